#include "server/ops/repeat_limiter.h"

#include <gtest/gtest.h>

namespace auth::ops {
namespace {

using std::chrono::milliseconds;

constexpr MonotonicTime kStart(std::chrono::hours(1));

TEST(RepeatLimiterTest, HoldsBackRepeatsAndTellsHowMany) {
  RepeatLimiter limiter(2);
  EXPECT_EQ(limiter.Admit("a", kStart), 0);
  EXPECT_EQ(limiter.Admit("a", kStart), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.Admit("a", kStart), std::nullopt);
  EXPECT_EQ(limiter.Admit("b", kStart), 0) << "each event by itself";
  EXPECT_EQ(limiter.Admit("a", kStart + milliseconds(999)), std::nullopt);
  EXPECT_EQ(limiter.Admit("a", kStart + milliseconds(1000)), 6);
  EXPECT_EQ(limiter.Admit("a", kStart + milliseconds(1000)), 0) << "told once";
}

TEST(RepeatLimiterTest, ZeroIsNoLimit) {
  RepeatLimiter limiter(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.Admit("a", kStart), 0);
}

}  // namespace
}  // namespace auth::ops
