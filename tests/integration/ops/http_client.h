#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace auth::ops {

// One TCP connection to 127.0.0.1 that a test says anything on, well-formed or not.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawConnection() {
    if (fd_ >= 0) close(fd_);
  }
  RawConnection(RawConnection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), closed_(other.closed_) {}
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }

  void Send(std::string_view bytes) const { send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // The bytes and the end of what this side says, in one TCP segment.
  void SendLast(std::string_view bytes) const {
    send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE);
    shutdown(fd_, SHUT_WR);
  }

  // What the server says until it closes, or until it has said `end`.
  std::string ReadUntil(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos && Read(&all)) {
    }
    return all;
  }
  // What the server says until it closes.
  std::string ReadAll() {
    std::string all;
    while (Read(&all)) {
    }
    return all;
  }
  // Whether the server has hung up, without waiting for it and without reading.
  bool HungUp() const {
    pollfd state{.fd = fd_, .events = POLLRDHUP, .revents = 0};
    return poll(&state, 1, 0) > 0;
  }
  // Whether the server closed the connection; false while it is only silent.
  bool closed() const { return closed_; }

 private:
  bool Read(std::string* text) {
    char buffer[4096];
    pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, kPatienceMs) <= 0) return false;
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    closed_ = got <= 0;
    if (got > 0) text->append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  // No answer of the server takes so long, however busy the machine is.
  static constexpr int kPatienceMs = 30'000;

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

// What a request on a connection of its own is answered with, headers included.
inline std::string Ask(std::uint16_t port, std::string_view method, std::string_view path) {
  RawConnection connection(port);
  connection.Send(std::string(method) + " " + std::string(path) +
                  " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return connection.ReadAll();
}

}  // namespace auth::ops
