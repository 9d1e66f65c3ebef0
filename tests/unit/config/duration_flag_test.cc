#include "server/config/duration_flag.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace auth::server {
namespace {

using namespace std::chrono_literals;

TEST(DurationFlagTest, ReadsUnitsAndSums) {
  const std::pair<const char*, Duration> good[] = {
      {"0", 0s},        {"0s", 0s},     {"500ms", 500ms}, {"0.5s", 500ms},
      {".5s", 500ms},   {"10s", 10s},   {"5m", 5min},     {"24h", 24h},
      {"1h30m", 90min}, {"1m30s", 90s}, {"250us", 250us}, {"87600h", 87600h}};
  for (const auto& [text, duration] : good) {
    const absl::StatusOr<Duration> parsed = ParseDuration(text);
    ASSERT_THAT(parsed, auth::testing::IsOk()) << text;
    EXPECT_EQ(*parsed, duration) << text;
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration) << FormatDuration(duration);
  }
}

TEST(DurationFlagTest, RefusesTheRest) {
  for (const char* text : {"", "15", "s", "10 s", "10sec", "1d", "-1s", "inf", "-inf", "1e3s",
                           "10s10", "87601h", "999999999999h", "10s "}) {
    EXPECT_THAT(ParseDuration(text), auth::testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace auth::server
