#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/auth_client.h"

namespace grpc {
class Channel;
}

namespace auth::authctl {

// What `grpc.health.v1.Health/Check` answers for a service: "SERVING", "NOT_SERVING", "UNKNOWN".
// NOT_FOUND if the server knows no such service.
//
// A probe wants the answer of now, also that of a server that is not ready: make the channel
// without a service config, which would repeat the call and keep it from such a server. The options
// need a timeout.
absl::StatusOr<std::string> CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                        const std::string& service,
                                        const client::CallOptions& options);

}  // namespace auth::authctl
