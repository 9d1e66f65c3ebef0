#pragma once

#include <string_view>

namespace auth::rpc {

// The metadata keys (HTTP header names) that callers may send.
inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr char kTraceParentKey[] = "traceparent";

// Whether a caller's request id may stand in logs and answers: 1 to 128 letters, digits, '-', '_',
// '.'. Anything else could forge log lines.
bool IsSaneRequestId(std::string_view id);

}  // namespace auth::rpc
