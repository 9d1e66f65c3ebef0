#include "server/rpc/credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "server/rpc/transport_security.h"

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

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& tls, std::string_view listen, bool allow_plaintext) {
  if (absl::Status status = CheckTransport(tls, listen, allow_plaintext); !status.ok()) {
    return status;
  }
  return tls.enabled() ? TlsCredentials(tls) : grpc::InsecureServerCredentials();
}

}  // namespace auth::rpc
