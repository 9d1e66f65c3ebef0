#include "server/rpc/call_metadata.h"

#include <algorithm>
#include <cstddef>

#include "server/account/uuid.h"

namespace auth::rpc {
namespace {

constexpr size_t kMaxRequestIdLength = 128;

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsIdCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}

// Exactly `length` lower-case hex digits, not all zero.
bool IsTraceField(std::string_view text, size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), IsLowerHex) &&
         text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

bool IsSaneRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdLength &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

std::string RequestIdOr(std::string_view id, const Clock& clock) {
  return IsSaneRequestId(id) ? std::string(id) : account::Uuid::NewV7(clock.Now()).ToString();
}

std::string TraceIdOf(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags; a later version may have more after the flags.
  constexpr size_t kLength = 55;
  if (traceparent.size() < kLength) return "";
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
  return well_formed ? std::string(trace_id) : "";
}

}  // namespace auth::rpc
