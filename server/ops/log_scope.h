#pragma once

#include <string_view>

namespace auth::ops {

// While it lives, every line that its thread logs tells of which call it is: fields `request_id`
// and `trace_id`. The store and the pool write such lines, and neither has heard of calls.
//
// Scopes of one thread nest; the innermost counts. Refers to its ids. Leaves the thread as it was.
//
//   const LogScope scope(call.request_id, call.trace_id);
//   operation->Run();
class LogScope {
 public:
  LogScope(std::string_view request_id, std::string_view trace_id);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

  // The calling thread's; nullptr if it works for no call.
  static const LogScope* Current();

  // As they stand in lines.
  std::string_view request_id() const { return request_id_; }
  std::string_view trace_id() const { return trace_id_; }

 private:
  const std::string_view request_id_;
  const std::string_view trace_id_;
  const LogScope* const outer_;
};

// An id as it stands in lines: what callers send may be long, and is cut.
std::string_view LoggedId(std::string_view id);

}  // namespace auth::ops
