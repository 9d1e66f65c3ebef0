#include "client/channel.h"

#include <arpa/inet.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace auth::client {
namespace {

constexpr std::chrono::seconds kKeepaliveTimeout(10);
// gRPC's own maximum is two minutes: too long for a service that was away for one.
constexpr std::chrono::seconds kMaxReconnectBackoff(5);
// gRPC's own is half a minute: a rollout replaces every address that a client knows in less.
constexpr std::chrono::seconds kMinTimeBetweenResolutions(1);

int Milliseconds(std::chrono::nanoseconds duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// The host of `host`, `host:port`, `[host]` or `[host]:port`; what has several colons and no
// brackets is an IPv6 address.
std::string HostOf(absl::string_view address) {
  const size_t colon = address.rfind(':');
  const size_t bracket = address.rfind(']');
  const bool has_port = colon != absl::string_view::npos &&
                        (address.find(':') == colon || (colon > 0 && bracket == colon - 1));
  if (has_port) address = address.substr(0, colon);
  if (absl::StartsWith(address, "[") && absl::EndsWith(address, "]")) {
    address = address.substr(1, address.size() - 2);
  }
  return std::string(address);
}

// Of an address, not of how it begins: 127.example.com is somebody's domain.
bool IsLoopbackAddress(absl::string_view address) {
  const std::string host = HostOf(address);
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

// The content of a PEM file; `label` is what its first line must hold.
absl::StatusOr<std::string> ReadPem(const std::string& path, std::string_view what,
                                    std::string_view label) {
  const std::string name = absl::StrCat("the ", std::string(what), " file ", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", name, ": ", std::strerror(errno), "; check path and owner"));
  }
  std::ostringstream content;
  content << file.rdbuf();  // nothing, if it is a directory
  std::string pem = content.str();
  if (pem.find("-----BEGIN ") == std::string::npos || pem.find(label) == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " holds no PEM `", std::string(label), "`; give a file that does"));
  }
  return pem;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const ChannelOptions& options) {
  if (!options.tls.has_value()) {
    if (options.allow_plaintext || IsLoopback(options.target)) {
      return grpc::InsecureChannelCredentials();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("passwords must not travel to ", options.target,
                     " in plaintext; use TLS, or allow plaintext if the network encrypts"));
  }
  const TlsOptions& tls = *options.tls;
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate needs both its certificate file and its key file; give both");
  }
  grpc::SslCredentialsOptions pem;
  const auto read = [](const std::string& path, std::string_view what, std::string_view label,
                       std::string* destination) {
    if (path.empty()) return absl::OkStatus();
    absl::StatusOr<std::string> content = ReadPem(path, what, label);
    if (!content.ok()) return content.status();
    *destination = *std::move(content);
    return absl::OkStatus();
  };
  absl::Status status = read(tls.ca_file, "CA", "CERTIFICATE-----", &pem.pem_root_certs);
  status.Update(read(tls.cert_file, "certificate", "CERTIFICATE-----", &pem.pem_cert_chain));
  status.Update(read(tls.key_file, "key", "PRIVATE KEY-----", &pem.pem_private_key));
  if (!status.ok()) return status;
  return grpc::SslCredentials(pem);
}

}  // namespace

bool IsLoopback(absl::string_view target) {
  if (absl::StartsWith(target, "unix:") || absl::StartsWith(target, "unix-abstract:")) return true;
  for (const absl::string_view scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&target, scheme)) break;
  }
  if (absl::ConsumePrefix(&target, "//")) {  // the resolver's address, up to the next slash
    target.remove_prefix(std::min(target.size(), target.find('/')));
    absl::ConsumePrefix(&target, "/");
  }
  const std::vector<absl::string_view> addresses = absl::StrSplit(target, ',');
  return std::all_of(addresses.begin(), addresses.end(), IsLoopbackAddress);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options,
                                                           const std::string& service_config) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = MakeCredentials(options);
  if (!credentials.ok()) return credentials.status();

  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("auth-client/" AUTH_CLIENT_VERSION);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // any number of them
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(kMaxReconnectBackoff));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
                   Milliseconds(kMinTimeBetweenResolutions));
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (!service_config.empty()) arguments.SetServiceConfigJSON(service_config);
  // A proxy of the environment is not on the way to this machine.
  if (IsLoopback(options.target)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (options.tls.has_value() && !options.tls->server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls->server_name);
  }
  return grpc::CreateCustomChannel(options.target, *credentials, arguments);
}

}  // namespace auth::client
