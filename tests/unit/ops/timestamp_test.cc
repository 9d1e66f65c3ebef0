#include "server/ops/timestamp.h"

#include <gtest/gtest.h>

namespace auth::ops {
namespace {

TEST(TimestampTest, IsRfc3339InUtc) {
  const auto at = [](std::int64_t ms) {
    return FormatTimestamp(WallTime(std::chrono::milliseconds(ms)));
  };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(1'709'210'096'007), "2024-02-29T12:34:56.007Z");
  EXPECT_EQ(at(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace auth::ops
