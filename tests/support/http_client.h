#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace auth::testing {

// One TCP connection to 127.0.0.1 that a test says anything on, well-formed or not.
class RawConnection {
 public:
  // No answer of our server takes longer, however busy the machine is.
  static constexpr std::chrono::seconds kPatience{30};

  // Reads until the other side is silent for `patience`.
  explicit RawConnection(int port, std::chrono::milliseconds patience = kPatience);
  ~RawConnection();
  RawConnection(RawConnection&& other) noexcept;
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }

  void Send(std::string_view bytes) const;
  // The bytes and the end of what this side says, in one TCP segment.
  void SendLast(std::string_view bytes) const;

  // What the server says until it closes, or until it has said `end`.
  std::string ReadUntil(std::string_view end);
  // What the server says until it closes.
  std::string ReadAll();
  // Whether the server has hung up, without waiting for it and without reading.
  bool HungUp() const;
  // Whether the server closed the connection; false while it is only silent.
  bool closed() const { return closed_; }

 private:
  bool Read(std::string* text);

  int fd_;
  std::chrono::milliseconds patience_;
  bool connected_ = false;
  bool closed_ = false;
};

// What one HTTP/1.1 request on a connection of its own is answered with, headers included; empty if
// nobody answers. `body` is sent as JSON if there is one.
std::string Ask(int port, std::string_view method, std::string_view path,
                std::string_view body = "",
                std::chrono::milliseconds patience = RawConnection::kPatience);

struct HttpAnswer {
  int status = 0;  // 0 if nobody answered
  std::string body;
};

// The same, taken apart, and with less patience: for servers that may be away.
HttpAnswer AskHttp(int port, std::string_view method, std::string_view path,
                   std::string_view body = "",
                   std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace auth::testing
