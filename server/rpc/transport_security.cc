#include "server/rpc/transport_security.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace auth::rpc {
namespace {

std::string_view HostOf(std::string_view listen) {
  std::string_view host = listen.substr(0, listen.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

bool IsLoopback(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return text == "localhost";
}

absl::Status CheckTransport(const TlsFiles& tls, std::string_view listen, bool allow_plaintext) {
  if (tls.enabled()) return ReadTlsFiles(tls).status();
  if (allow_plaintext || IsLoopback(HostOf(listen))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--listen=", absl::string_view(listen.data(), listen.size()),
      " can be reached from other machines, and passwords would travel unencrypted: set "
      "--tls-cert and --tls-key, or --allow-plaintext if a proxy or mesh encrypts"));
}

}  // namespace auth::rpc
