#include "server/rpc/credentials.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace auth::rpc {
namespace {

namespace tls_api = grpc::experimental;

// How often the files are read, which costs nothing. It bounds how soon a renewed certificate is
// used, and how long a key and a certificate that are not replaced in one step may mismatch.
constexpr unsigned kRefreshSeconds = 1;

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const TlsFiles& files) {
  const bool mutual = !files.client_ca.empty();
  tls_api::TlsServerCredentialsOptions options(
      std::make_shared<tls_api::FileWatcherCertificateProvider>(files.key, files.cert,
                                                                files.client_ca, kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  if (mutual) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return tls_api::TlsServerCredentials(options);
}

// Whether only this machine can connect to `host:port`. A name that merely begins with "127." is
// somebody's domain.
bool IsLoopback(std::string_view listen) {
  std::string host(listen.substr(0, listen.rfind(':')));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& tls, std::string_view listen, bool allow_plaintext) {
  if (tls.enabled()) {
    if (absl::Status status = CheckTlsFiles(tls); !status.ok()) return status;
    return TlsCredentials(tls);
  }
  if (!IsLoopback(listen) && !allow_plaintext) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen=", absl::string_view(listen.data(), listen.size()),
        " can be reached from other machines, and passwords would travel unencrypted: set "
        "--tls-cert and --tls-key, or --allow-plaintext if a proxy or mesh encrypts"));
  }
  return grpc::InsecureServerCredentials();
}

}  // namespace auth::rpc
