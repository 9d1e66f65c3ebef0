#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "auth/v1/error_reason.pb.h"

namespace auth::client {

// What every Status of an AuthClient tells beside its code and message. Pure functions.
//
//   if (ReasonOf(user.status()) == v1::ERROR_REASON_EMAIL_ALREADY_REGISTERED) …
//   for (const FieldViolation& violation : FieldViolationsOf(user.status())) …
//
// The details travel in the Status as payloads of the google.rpc messages, under their type URLs
// (`type.googleapis.com/google.rpc.ErrorInfo`), so code that knows those reads them as well.

// Why the service refused. ERROR_REASON_UNSPECIFIED if the service did not say: the answer did not
// come from it (no connection, the client's own deadline), or its reason is newer than this client.
v1::ErrorReason ReasonOf(const absl::Status& status);

// What is wrong with one field of the request.
struct FieldViolation {
  std::string field;  // the field's name in the request message, e.g. "request_id"
  // FIELD_VIOLATION_REASON_UNSPECIFIED if it is newer than this client.
  v1::FieldViolationReason reason = v1::FIELD_VIOLATION_REASON_UNSPECIFIED;
  std::string description;  // what to do about it, for people
};

// All that is wrong with the request; empty unless the reason is ERROR_REASON_INVALID_FIELDS.
std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status);

// How long to wait before the next try, if the service said so.
std::optional<std::chrono::nanoseconds> RetryAfterOf(const absl::Status& status);

// Where a Status of an AuthClient carries the trace id of its call.
inline constexpr char kTraceIdPayload[] = "auth.v1/trace_id";

// The trace id of the call that failed, 32 hex digits, as in the server's log lines about it; empty
// if the Status is not of a call.
std::string TraceIdOf(const absl::Status& status);

}  // namespace auth::client
