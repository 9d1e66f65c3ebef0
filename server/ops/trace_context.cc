#include "server/ops/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace auth::ops {
namespace {

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Exactly `length` lower-case hex digits, not all zero.
bool IsTraceField(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), IsLowerHex) &&
         text.find_first_not_of('0') != std::string_view::npos;
}

// The lowest of the two flag digits' bits.
bool IsSampled(std::string_view flags) {
  const char digit = flags.back();
  return (digit <= '9' ? digit - '0' : digit - 'a' + 10) % 2 != 0;
}

}  // namespace

TraceContext ParseTraceParent(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags; a later version may have more after the flags.
  constexpr std::size_t kLength = 55;
  if (traceparent.size() < kLength) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace_id = traceparent.substr(3, 32);
  const std::string_view parent_id = traceparent.substr(36, 16);
  const std::string_view flags = traceparent.substr(53, 2);
  const std::string_view rest = traceparent.substr(kLength);
  const bool well_formed =
      std::all_of(version.begin(), version.end(), IsLowerHex) && version != "ff" &&
      IsTraceField(trace_id, 32) && IsTraceField(parent_id, 16) &&
      std::all_of(flags.begin(), flags.end(), IsLowerHex) && traceparent[2] == '-' &&
      traceparent[35] == '-' && traceparent[52] == '-' &&
      (rest.empty() || (version != "00" && rest.front() == '-'));
  if (!well_formed) return {};
  return {std::string(trace_id), std::string(parent_id), IsSampled(flags)};
}

}  // namespace auth::ops
