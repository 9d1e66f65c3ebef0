#pragma once

#include <string>
#include <string_view>

namespace auth::client {

// W3C Trace Context (https://www.w3.org/TR/trace-context/): the metadata `traceparent`, by which
// the server's log lines and those of its callers are found together. Pure functions; thread-safe.

inline constexpr char kTraceparentKey[] = "traceparent";

// A traceparent of a fresh trace: random ids, flags 00 (nobody records spans unless a caller says
// so).
std::string NewTraceparent();

// Its trace id, 32 lower-case hex digits; empty if it is not well-formed. What has one is safe to
// send as metadata: gRPC ends the process over some other texts.
std::string TraceIdOf(std::string_view traceparent);

}  // namespace auth::client
