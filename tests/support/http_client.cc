#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"

namespace auth::testing {

RawConnection::RawConnection(int port, std::chrono::milliseconds patience)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), patience_(patience) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

RawConnection::RawConnection(RawConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      patience_(other.patience_),
      connected_(other.connected_),
      closed_(other.closed_) {}

void RawConnection::Send(std::string_view bytes) const {
  send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void RawConnection::SendLast(std::string_view bytes) const {
  send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE);
  shutdown(fd_, SHUT_WR);
}

std::string RawConnection::ReadUntil(std::string_view end) {
  std::string all;
  while (all.find(end) == std::string::npos && Read(&all)) {
  }
  return all;
}

std::string RawConnection::ReadAll() {
  std::string all;
  while (Read(&all)) {
  }
  return all;
}

bool RawConnection::HungUp() const {
  pollfd state{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  return poll(&state, 1, 0) > 0;
}

bool RawConnection::Read(std::string* text) {
  char buffer[4096];
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, static_cast<int>(patience_.count())) <= 0) return false;
  const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
  closed_ = got <= 0;
  if (got > 0) text->append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

std::string Ask(int port, std::string_view method, std::string_view path, std::string_view body,
                std::chrono::milliseconds patience) {
  std::string request(method);
  request.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  if (!body.empty()) {
    request.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  }
  request.append("\r\n").append(body);
  RawConnection connection(port, patience);
  connection.Send(request);
  return connection.ReadAll();
}

HttpAnswer AskHttp(int port, std::string_view method, std::string_view path, std::string_view body,
                   std::chrono::milliseconds patience) {
  const std::string text = Ask(port, method, path, body, patience);
  HttpAnswer answer;
  const std::size_t space = text.find(' ');
  if (space != std::string::npos) {
    (void)absl::SimpleAtoi(text.substr(space + 1, 3), &answer.status);
  }
  const std::size_t headers_end = text.find("\r\n\r\n");
  if (headers_end != std::string::npos) answer.body = text.substr(headers_end + 4);
  return answer;
}

}  // namespace auth::testing
