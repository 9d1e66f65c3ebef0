#include "pool/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(JitterTest, StaysInItsRangeAndUsesAllOfIt) {
  Jitter jitter(1);
  Duration least = Duration::max();
  Duration most = Duration::min();
  for (int i = 0; i < 10'000; ++i) {
    const Duration delay = jitter.Between(milliseconds(200), milliseconds(400));
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, milliseconds(200));
  EXPECT_LE(most, milliseconds(400));
  EXPECT_LT(least, milliseconds(202));
  EXPECT_GT(most, milliseconds(398));
}

TEST(JitterTest, SeedsItselfAnewEachTime) {
  Jitter one;
  Jitter other;
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    if (one.Between({}, seconds(1)) == other.Between({}, seconds(1))) ++equal;
  }
  EXPECT_LT(equal, 100);
}

TEST(BackoffTest, CapDoublesUpToTheMost) {
  const Duration caps[] = {milliseconds(500), seconds(1), seconds(2), seconds(2)};
  Duration highest[4] = {};
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    Backoff backoff(milliseconds(500), seconds(2), Jitter(seed));
    for (int n = 0; n < 4; ++n) highest[n] = std::max(highest[n], backoff.Next());
  }
  for (int n = 0; n < 4; ++n) {
    EXPECT_LE(highest[n], caps[n]);
    EXPECT_GT(highest[n], caps[n] * 9 / 10);
  }
}

TEST(BackoffTest, ResetStartsAgain) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    Backoff backoff(milliseconds(500), seconds(60), Jitter(seed));
    for (int n = 0; n < 100; ++n) EXPECT_LE(backoff.Next(), seconds(60));
    backoff.Reset();
    EXPECT_LE(backoff.Next(), milliseconds(500));
  }
}

}  // namespace
}  // namespace auth::pool
