#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"

namespace auth::ops {

// Orders header names as HTTP compares them: without regard to case.
struct HeaderLess {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const {
    return std::lexicographical_compare(
        left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
          return absl::ascii_tolower(static_cast<unsigned char>(a)) <
                 absl::ascii_tolower(static_cast<unsigned char>(b));
        });
  }
};

// A whole request, body included.
struct HttpRequest {
  std::string method{};  // "GET"
  std::string path{};    // decoded, without the query
  std::map<std::string, std::string, HeaderLess> headers{};
  std::string body{};
  std::string peer{};  // "ipv4:127.0.0.1:40312", as gRPC writes it

  // Empty if there is none.
  std::string_view Header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

struct HttpResponse {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
  // Beside those that every answer has: Content-Type, Cache-Control: no-store,
  // X-Content-Type-Options.
  std::vector<std::pair<std::string, std::string>> headers{};
};

}  // namespace auth::ops
