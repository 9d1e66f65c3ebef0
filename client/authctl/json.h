#pragma once

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

// {"error": {"code", "reason", "message", "fieldViolations", "retryAfter"}}, the last three only if
// the failure has them. `request_id`, unless empty, is what a repeat of the registration needs.
std::string ToJson(const absl::Status& failure, const std::string& request_id);

}  // namespace auth::authctl
