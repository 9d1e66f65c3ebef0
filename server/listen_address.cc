#include "server/listen_address.h"

#include <arpa/inet.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/transport_security.h"

namespace auth::server {
namespace {

bool IsIpv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsAnyAddress(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

}  // namespace

absl::StatusOr<ListenAddress> ListenAddress::Parse(std::string_view text) {
  const absl::Status malformed =
      absl::InvalidArgumentError("must be HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return malformed;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    if (!IsIpv6(std::string(host))) return malformed;
  } else if (host.find_first_of(":[] ") != std::string_view::npos) {
    return malformed;
  }
  const std::string digits(text.substr(colon + 1));
  std::uint32_t port = 0;
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(digits, &port) || port > 65535) {
    return malformed;
  }
  return ListenAddress{std::string(host), static_cast<std::uint16_t>(port)};
}

std::string ListenAddress::ToString() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

bool ListenAddress::IsLoopback() const { return rpc::IsLoopback(host); }

std::string ListenAddress::DialHost() const {
  if (!IsAnyAddress(host)) return host;
  return host == "::" ? "::1" : "127.0.0.1";
}

}  // namespace auth::server
