#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "server/ops/http_message.h"

namespace auth::rpc {

// What a request to the gateway asks for.
struct JsonTarget {
  std::string method;           // "auth.v1.AuthService/Register"; empty if the path names none
  std::string_view verb;        // the HTTP method that the path takes
  bool bearer_session = false;  // the session token is the bearer token, and there is no body
};

// The target of a path: one of the aliases, or what stands after the slash.
JsonTarget TargetOf(std::string_view path);
// The aliases, for whoever lists them: "POST /auth/signup".
std::vector<std::string> AliasNames();

// How a message is written. Errors are JSON in both.
enum class BodyFormat { kJson, kProto };

// The format of a body, by its Content-Type; nullopt for those that are not spoken here.
std::optional<BodyFormat> FormatOf(std::string_view content_type);

// When the caller wants his answer, by the header Connect-Timeout-Ms: unset without one.
// INVALID_ARGUMENT if it is none.
absl::Status ReadTimeout(const ops::HttpRequest& request, WallTime now,
                         std::optional<WallTime>* deadline);

}  // namespace auth::rpc
