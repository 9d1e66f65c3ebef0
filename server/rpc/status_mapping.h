#pragma once

#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace auth::rpc {

// The trailing metadata by which a server steers the automatic retries of gRPC clients.
inline constexpr char kRetryPushbackKey[] = "grpc-retry-pushback-ms";

// What a client is told of a failure, whatever the protocol: the code, a message, and details. OK
// for OK.
google::rpc::Status ToRichStatus(const absl::Status& status, std::string_view request_id);

// What a gRPC client is told of a failure: the code, a message, and google.rpc details (ErrorInfo
// with a reason of auth.v1.ErrorReason, BadRequest, RetryInfo) in `grpc-status-details-bin`.
// CANCELLED has no details: nobody is there to read them. An INTERNAL error shows `request_id`, by
// which the log line is found, and nothing else.
grpc::Status ToGrpcStatus(const absl::Status& status, std::string_view request_id);

// The value of kRetryPushbackKey, if the status should carry one: a client that retries by itself
// must not answer RATE_LIMITED with more attempts. UNAVAILABLE carries none, because an exact pause
// would take the place of a backoff that grows and is random: all clients would come back in step,
// and spend their attempts sooner.
std::optional<std::string> RetryPushback(const absl::Status& status);

}  // namespace auth::rpc
