#include "server/ops/listener_probe.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::ops {
namespace {

// What an HTTP/2 client says first: the preface and an empty SETTINGS frame. The server answers
// with SETTINGS of its own.
std::string Http2Hello() {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  constexpr std::string_view kEmptySettings("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9);
  return std::string(kPreface) + std::string(kEmptySettings);
}

// A TLS ClientHello. The handshake is never continued, so one serves for all probes; the server
// answers with its half, whatever certificates it asks for.
std::string TlsHello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  BIO* const written = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), written);  // takes both
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(written, &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Failed(const char* what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status WaitFor(int fd, short events, MonotonicTime deadline, const Clock& clock) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.Monotonic()).count();
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = left > 0 ? poll(&entry, 1, static_cast<int>(left)) : 0;
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::UnavailableError("no answer from the gRPC listener");
    if (errno != EINTR) return Failed("poll");
  }
}

absl::Status Connect(int fd, const addrinfo& address, MonotonicTime deadline, const Clock& clock) {
  if (connect(fd, address.ai_addr, address.ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return Failed("cannot connect to the gRPC listener");
  absl::Status connected = WaitFor(fd, POLLOUT, deadline, clock);
  if (!connected.ok()) return connected;
  socklen_t size = sizeof errno;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &size);
  return errno == 0 ? absl::OkStatus() : Failed("cannot connect to the gRPC listener");
}

}  // namespace

ListenerProbe::ListenerProbe(Options options, const Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      hello_(options_.tls ? TlsHello() : Http2Hello()) {}

absl::Status ListenerProbe::Check() const {
  const MonotonicTime deadline = clock_->Monotonic() + options_.timeout;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(options_.host.c_str(), absl::StrCat(options_.port).c_str(), &hints, &list);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);

  const Socket socket(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return Failed("socket");
  absl::Status status = Connect(socket.fd(), *list, deadline, *clock_);
  if (!status.ok()) return status;
  if (send(socket.fd(), hello_.data(), hello_.size(), MSG_NOSIGNAL) < 0) return Failed("send");
  status = WaitFor(socket.fd(), POLLIN, deadline, *clock_);
  if (!status.ok()) return status;
  char byte = 0;
  const ssize_t received = recv(socket.fd(), &byte, 1, 0);
  if (received < 0) return Failed("the gRPC listener dropped the connection");
  if (received == 0) return absl::UnavailableError("the gRPC listener closed the connection");
  return absl::OkStatus();
}

}  // namespace auth::ops
