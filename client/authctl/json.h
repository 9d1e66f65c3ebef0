#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/auth_client.h"

namespace auth::authctl {

// `text` as a JSON string, with its quotes.
std::string JsonString(std::string_view text);

// The JSON that the service publishes: {"user": {…}, "session": {…}}. `emailVerified` is null while
// the address is not verified; `sessionToken` is there only if the call issued it.
std::string ToJson(const client::UserSession& user_session);

// What authctl knows of a failure beside its Status; empty = nothing.
struct FailureNotes {
  std::string request_id = {};  // what a repeat of the registration needs
  std::string hint = {};        // what to do about it
};

// {"error": {"code", "reason", "message", "fieldViolations", "retryAfter", "requestId", "hint",
// "traceId"}}; all but code and message only where they are known.
std::string ToJson(const absl::Status& failure, const FailureNotes& notes);

// Proto JSON in one line, as the service's HTTP/JSON writes it: what is zero or empty is left out.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace auth::authctl
