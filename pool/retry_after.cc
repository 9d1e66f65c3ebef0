#include "pool/retry_after.h"

#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace auth::pool {
namespace {

// The payload: nanoseconds as a decimal number.
constexpr char kTypeUrl[] = "type.auth/pool.RetryAfter";

}  // namespace

absl::Status UnavailableFor(Duration retry_after, std::string_view message) {
  absl::Status status = absl::UnavailableError(absl::string_view(message.data(), message.size()));
  status.SetPayload(kTypeUrl, absl::Cord(absl::StrCat(retry_after.count())));
  return status;
}

Duration RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  int64_t nanoseconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &nanoseconds)) return {};
  return Duration(nanoseconds);
}

}  // namespace auth::pool
