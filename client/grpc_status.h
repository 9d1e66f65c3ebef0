#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace auth::client {

// The same code and message, and each google.rpc detail of `status` as a payload under its type URL
// (client/errors.h reads them). Details that cannot be read are left out. `trace_id`, unless empty,
// is that of the call, for TraceIdOf.
absl::Status FromGrpcStatus(const grpc::Status& status, const std::string& trace_id = "");

// Lets the call carry `traceparent`, or a fresh one if it is not well-formed. Returns the trace id.
std::string AddTraceparent(const std::string& traceparent, grpc::ClientContext* context);

}  // namespace auth::client
