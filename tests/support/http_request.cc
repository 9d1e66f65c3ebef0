#include "tests/support/http_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace auth::testing {
namespace {

std::string Request(const std::string& method, const std::string& path, const std::string& body) {
  std::string request =
      absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  if (!body.empty()) {
    absl::StrAppend(&request, "Content-Type: application/json\r\nContent-Length: ", body.size(),
                    "\r\n");
  }
  return absl::StrCat(request, "\r\n", body);
}

}  // namespace

HttpAnswer AskHttp(int port, const std::string& method, const std::string& path,
                   const std::string& body, std::chrono::seconds patience) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{.tv_sec = patience.count(), .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = Request(method, path, body);
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  HttpAnswer answer;
  const size_t space = text.find(' ');
  if (space != std::string::npos) {
    (void)absl::SimpleAtoi(text.substr(space + 1, 3), &answer.status);
  }
  const size_t headers_end = text.find("\r\n\r\n");
  if (headers_end != std::string::npos) answer.body = text.substr(headers_end + 4);
  return answer;
}

}  // namespace auth::testing
