#pragma once

#include <string_view>

#include "pool/clock.h"

namespace auth::rpc {

// The metadata keys (HTTP header names) that callers may send.
inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr char kTraceParentKey[] = "traceparent";
inline constexpr char kAuthorizationKey[] = "authorization";

// Whether a caller's request id may stand in logs and answers: 1 to 128 letters, digits, '-', '_',
// '.'. Anything else could forge log lines.
bool IsSaneRequestId(std::string_view id);
// `id` if it is sane, else a fresh one.
std::string RequestIdOr(std::string_view id, const Clock& clock);

}  // namespace auth::rpc
