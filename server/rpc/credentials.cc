#include "server/rpc/credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace auth::rpc {
namespace {

namespace tls_api = grpc::experimental;

// How often gRPC reads what is in force, which costs nothing.
constexpr unsigned kRefreshSeconds = 1;

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsReloader& reloader,
                                                            bool mutual) {
  // Chain and key are in one file, so that they are replaced in one step; each reader skips the
  // other's part.
  const std::string identity = reloader.identity_path();
  tls_api::TlsServerCredentialsOptions options(
      std::make_shared<tls_api::FileWatcherCertificateProvider>(
          identity, identity, mutual ? reloader.client_ca_path() : "", kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  if (mutual) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return tls_api::TlsServerCredentials(options);
}

}  // namespace auth::rpc
