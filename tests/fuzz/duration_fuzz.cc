// Durations of the configuration.

#include <chrono>

#include "server/config/duration_flag.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

using server::FormatDuration;
using server::ParseDuration;

void FuzzOne(std::string_view input) {
  const absl::StatusOr<Duration> duration = ParseDuration(input);
  if (!duration.ok()) {
    Expect(!duration.status().message().empty(), "a refusal says why");
    return;
  }
  Expect(*duration >= Duration::zero(), "a duration is not negative");
  Expect(*duration <= std::chrono::hours(24 * 365 * 10), "a duration is bounded");
  const absl::StatusOr<Duration> again = ParseDuration(FormatDuration(*duration));
  Expect(again.ok() && *again == *duration, "a duration is read as it was written");
}

}  // namespace auth::testing
