#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/rpc/tls_reloader.h"

namespace auth::rpc {

// TLS with what `reloader` has in force at each handshake; mutual TLS if clients must show a
// certificate of its client CA. The reloader must outlive the server that uses the credentials.
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsReloader& reloader,
                                                            bool mutual);

}  // namespace auth::rpc
