#pragma once

#include <string>
#include <string_view>

namespace auth::rpc {

// The metadata keys (HTTP header names) that callers may send.
inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr char kTraceParentKey[] = "traceparent";

// Whether a caller's request id may stand in logs and answers: 1 to 128 letters, digits, '-', '_',
// '.'. Anything else could forge log lines.
bool IsSaneRequestId(std::string_view id);

// The trace id (32 hex digits) of a W3C traceparent, or empty if it is not well-formed.
std::string TraceIdOf(std::string_view traceparent);

}  // namespace auth::rpc
