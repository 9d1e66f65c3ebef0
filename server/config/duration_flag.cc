#include "server/config/duration_flag.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace auth::server {
namespace {

// Far beyond any sensible setting, and far from the overflow of arithmetic on deadlines.
constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 10);

}  // namespace

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  absl::Duration parsed;
  if (!absl::ParseDuration({text.data(), text.size()}, &parsed)) {
    return absl::InvalidArgumentError("is no duration: write 500ms, 10s, 5m or 24h");
  }
  if (parsed < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("must not be negative");
  }
  if (parsed > kLongest) return absl::InvalidArgumentError("must not exceed ten years");
  return absl::ToChronoNanoseconds(parsed);
}

std::string FormatDuration(Duration duration) {
  return duration == Duration::zero() ? "0s" : absl::FormatDuration(absl::FromChrono(duration));
}

}  // namespace auth::server
