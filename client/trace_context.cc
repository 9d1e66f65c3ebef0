#include "client/trace_context.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace auth::client {
namespace {

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsHexField(std::string_view text) { return std::all_of(text.begin(), text.end(), IsLowerHex); }

bool IsId(std::string_view text) {
  return IsHexField(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// Of so many times 32 bits. Never all zero, which is no id.
std::string RandomId(size_t words) {
  std::random_device random;
  std::string id;
  for (size_t word = 0; word < words; ++word) {
    const uint32_t bits = random();
    for (int shift = 0; shift < 32; shift += 8) id += static_cast<char>((bits >> shift) & 0xFF);
  }
  if (id.find_first_not_of('\0') == std::string::npos) id.back() = 1;
  return absl::BytesToHexString(id);
}

bool IsVisibleAscii(char c) { return c > 0x20 && c < 0x7F; }

}  // namespace

std::string NewTraceparent() { return absl::StrCat("00-", RandomId(4), "-", RandomId(2), "-00"); }

std::string TraceIdOf(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags; a later version may have more after the flags.
  constexpr size_t kLength = 55;
  if (traceparent.size() < kLength) return "";
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace_id = traceparent.substr(3, 32);
  const std::string_view rest = traceparent.substr(kLength);
  const bool well_formed = IsHexField(version) && version != "ff" && IsId(trace_id) &&
                           IsId(traceparent.substr(36, 16)) &&
                           IsHexField(traceparent.substr(53, 2)) && traceparent[2] == '-' &&
                           traceparent[35] == '-' && traceparent[52] == '-' &&
                           (rest.empty() || (version != "00" && rest.front() == '-')) &&
                           std::all_of(rest.begin(), rest.end(), IsVisibleAscii);
  return well_formed ? std::string(trace_id) : "";
}

}  // namespace auth::client
