#include "server/work/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"

namespace auth::work {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Eventually;

TEST(PeriodicTaskTest, RunsOnceInEachInterval) {
  testing::FakeClock clock;
  std::atomic<int> runs = 0;
  const PeriodicTask task(
      "test", seconds(1), [&] { ++runs; }, &clock);
  clock.Advance(milliseconds(999));
  EXPECT_EQ(runs, 0) << "not at once";
  for (int run = 1; run <= 3; ++run) {
    // Its thread may not have begun to wait, and then counts from later on.
    EXPECT_TRUE(Eventually([&] {
      if (runs < run) clock.Advance(milliseconds(100));
      return runs == run;
    }));
  }
}

TEST(PeriodicTaskTest, EndsInTheMiddleOfAnInterval) {
  const testing::FakeClock clock;
  std::atomic<int> runs = 0;
  {
    const PeriodicTask task(
        "test", seconds(1), [&] { ++runs; }, &clock);
  }
  EXPECT_EQ(runs, 0);
}

TEST(PeriodicTaskTest, EndsAfterARunThatIsUnderWay) {
  testing::FakeClock clock;
  std::atomic<bool> began = false;
  std::atomic<bool> ended = false;
  {
    const PeriodicTask task(
        "test", seconds(1),
        [&] {
          began = true;
          clock.Advance(seconds(1));
          ended = true;
        },
        &clock);
    EXPECT_TRUE(Eventually([&] {
      clock.Advance(seconds(1));
      return began.load();
    }));
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace auth::work
