#pragma once

#include <string>
#include <string_view>

namespace auth::ops {

// The caller's place in a distributed trace.
struct TraceContext {
  std::string trace_id;   // 32 hex digits; empty: the caller traces nothing
  std::string parent_id;  // 16 hex digits: the span in which the caller made the call
  bool sampled = false;   // the caller records it
};

// Of a W3C traceparent; empty if it is not well-formed.
TraceContext ParseTraceParent(std::string_view traceparent);

}  // namespace auth::ops
