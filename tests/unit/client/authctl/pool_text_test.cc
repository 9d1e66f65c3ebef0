#include "client/authctl/pool_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/fake_admin_server.h"

namespace auth::authctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const Style kPlain(false);

TEST(PoolTextTest, ShowsEverythingAligned) {
  EXPECT_EQ(PoolText(testing::BusyPool(), nullptr, kPlain),
            R"(server       ready
database     up for 2m16s, since 2023-11-14T22:13:20Z
breaker      closed
last fault   lost (SQLSTATE 57P01)
connections  3 of 10: 1 in use, 1 idle, 1 connecting
waiters      2
generation   3

SLOT  STATE          FOR    AGE  GENERATION
   1  in_use      12.5ms  1m01s           3
   2  idle         30.0s  1h01m           2
   3  connecting       -      -           3

LATENCY  COUNT      P50      P99    MEAN
acquire    100    556us   9.10ms  1.50ms
hash         4  >50.0ms  >50.0ms   100ms

WORKERS  THREADS  RUNNING  QUEUED
hash           2        1       0
store         10        3       5

EVENT              AGO  TIMES  WHAT HAPPENED
connection_lost   5.5s      3  A session was ?[31mended (SQLSTATE 57P01)
database         2m16s      1  The database is up
)");
}

TEST(PoolTextTest, NothingToShowIsNoError) {
  const std::string text = PoolText(v1::PoolStatus(), nullptr, kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("server       not ready\n"), HasSubstr("last fault   none\n"),
                          HasSubstr("connections  0 of 0: 0 in use, 0 idle\n"),
                          Not(HasSubstr("SLOT")), Not(HasSubstr("EVENT"))));
}

TEST(PoolTextTest, StatesOfTomorrowAreNoError) {
  v1::PoolStatus status = testing::BusyPool();
  status.set_database(static_cast<v1::DatabaseState>(99));
  EXPECT_THAT(PoolText(status, nullptr, kPlain), HasSubstr("database     unknown"));
}

TEST(PoolTextTest, BesideAnEarlierPictureTheTimeBetweenIsShown) {
  v1::PoolStatus later = testing::BusyPool();
  later.mutable_time()->set_seconds(later.time().seconds() + 2);
  later.mutable_acquire()->set_count(110);
  later.mutable_acquire()->mutable_buckets(1)->set_count(20);
  const v1::PoolStatus before = testing::BusyPool();
  EXPECT_THAT(PoolText(later, &before, kPlain), HasSubstr("  last 2.0s     10   5.50ms   9.91ms"));
}

TEST(PoolTextTest, ColoursChangeNoAlignment) {
  const std::string text = PoolText(testing::BusyPool(), nullptr, Style(true));
  EXPECT_THAT(text,
              AllOf(HasSubstr("\x1b[32mup\x1b[0m"), HasSubstr("\x1b[1mbreaker\x1b[0m      ")));
}

TEST(PoolTextTest, ALineHasWhatChangesQuickly) {
  EXPECT_EQ(PoolLine(testing::BusyPool()),
            "2023-11-14T22:15:35Z database=up breaker=closed in_use=1 idle=1 connecting=1 max=10 "
            "waiters=2 generation=3 acquire_p99=9.10ms hash_p99=>50.0ms");
}

TEST(PoolTextTest, DurationsAreShort) {
  EXPECT_EQ(ShortDuration(absl::ZeroDuration()), "0us");
  EXPECT_EQ(ShortDuration(absl::Nanoseconds(630)), "0.6us");
  EXPECT_EQ(ShortDuration(absl::Microseconds(999)), "999us");
  EXPECT_EQ(ShortDuration(absl::Microseconds(1240)), "1.24ms");
  EXPECT_EQ(ShortDuration(absl::Microseconds(22400)), "22.4ms");
  EXPECT_EQ(ShortDuration(absl::Milliseconds(999)), "999ms");
  EXPECT_EQ(ShortDuration(absl::Milliseconds(3140)), "3.1s");
  EXPECT_EQ(ShortDuration(absl::Seconds(134)), "2m14s");
  EXPECT_EQ(ShortDuration(absl::Minutes(303)), "5h03m");
  EXPECT_EQ(ShortDuration(absl::Hours(12 * 24 + 4)), "12d04h");
  EXPECT_EQ(ShortDuration(-absl::Seconds(1)), "0us");
}

}  // namespace
}  // namespace auth::authctl
