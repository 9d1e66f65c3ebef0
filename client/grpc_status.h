#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace auth::client {

// The same code and message, and each google.rpc detail of `status` as a payload under its type URL
// (client/errors.h reads them). Details that cannot be read are left out.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace auth::client
