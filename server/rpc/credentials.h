#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/rpc/tls_files.h"

namespace auth::rpc {

// How the server proves itself to callers, and they to it: TLS if there are files, mutual TLS with
// a client CA, else plaintext. INVALID_ARGUMENT for what CheckTransport refuses.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& tls, std::string_view listen, bool allow_plaintext);

}  // namespace auth::rpc
