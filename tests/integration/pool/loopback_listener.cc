#include "tests/integration/pool/loopback_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace auth::testing {
namespace {

sockaddr_in Loopback(int port, const std::string& host = "127.0.0.1") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

std::string Int32(size_t value) {
  const uint32_t network = htonl(static_cast<uint32_t>(value));
  return std::string(reinterpret_cast<const char*>(&network), sizeof(network));
}

std::string Message(char type, const std::string& body) {
  return type + Int32(body.size() + 4) + body;
}

bool ReadExactly(int socket, size_t count, std::string* bytes) {
  while (count > 0) {
    char buffer[512];
    const ssize_t got = recv(socket, buffer, std::min(count, sizeof(buffer)), 0);
    if (got <= 0) return false;
    bytes->append(buffer, static_cast<size_t>(got));
    count -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

LoopbackListener::LoopbackListener(Handler handler, const std::string& host, int port)
    : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(port, host);
  socklen_t length = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

LoopbackListener::~LoopbackListener() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  std::vector<std::thread> handlers;
  {
    MutexLock lock(&mutex_);
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    handlers.swap(handlers_);
  }
  for (std::thread& handler : handlers) handler.join();
  MutexLock lock(&mutex_);
  for (const int socket : sockets_) close(socket);
}

std::string LoopbackListener::url() const {
  return "postgresql://auth:secret@127.0.0.1:" + std::to_string(port_) + "/auth?sslmode=disable";
}

int LoopbackListener::accepted() const {
  MutexLock lock(&mutex_);
  return static_cast<int>(sockets_.size());
}

void LoopbackListener::Accept() {
  for (;;) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    MutexLock lock(&mutex_);
    sockets_.push_back(socket);
    handlers_.emplace_back([this, socket] {
      handler_(socket);
      shutdown(socket, SHUT_RDWR);
    });
  }
}

std::string ReadStartup(int socket) {
  std::string packet;
  if (!ReadExactly(socket, 4, &packet)) return "";
  uint32_t length = 0;
  packet.copy(reinterpret_cast<char*>(&length), sizeof(length));
  return ReadExactly(socket, ntohl(length) - 4, &packet) ? packet : "";
}

void Send(int socket, const std::string& bytes) {
  send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void AwaitEnd(int socket) {
  char buffer[512];
  while (recv(socket, buffer, sizeof(buffer), 0) > 0) {
  }
}

std::string FatalError(const std::string& sqlstate, const std::string& message) {
  const std::string nul(1, '\0');
  return Message('E', "SFATAL" + nul + "C" + sqlstate + nul + "M" + message + nul + nul);
}

std::string Welcome() {
  const std::string nul(1, '\0');
  return Message('R', Int32(0)) + Message('S', "server_version" + nul + "15.0" + nul) +
         Message('S', "client_encoding" + nul + "UTF8" + nul) + Message('K', Int32(1) + Int32(2)) +
         Message('Z', "I");
}

void Relay(int client, int port, const std::string& first) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    Send(server, first);
    for (;;) {
      pollfd fds[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      poll(fds, 2, -1);
      const bool from_client = fds[0].revents != 0;
      char buffer[4096];
      const ssize_t got = recv(from_client ? client : server, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      Send(from_client ? server : client, std::string(buffer, static_cast<size_t>(got)));
    }
  }
  close(server);
}

}  // namespace auth::testing
