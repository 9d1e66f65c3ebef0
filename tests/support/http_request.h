#pragma once

#include <chrono>
#include <string>

namespace auth::testing {

struct HttpAnswer {
  int status = 0;  // 0 if nobody answered
  std::string body;
};

// Sends one HTTP/1.1 request to 127.0.0.1:`port` on a connection of its own, with `body` as JSON if
// there is one, and reads until the server closes or is silent for `patience`.
HttpAnswer AskHttp(int port, const std::string& method, const std::string& path,
                   const std::string& body = "",
                   std::chrono::seconds patience = std::chrono::seconds(5));

}  // namespace auth::testing
