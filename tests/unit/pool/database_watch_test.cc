#include "pool/database_watch.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/scripted_connection.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::SqlFailure;

constexpr MonotonicTime kStart{seconds(1000)};

class DatabaseWatchTest : public ::testing::Test {
 protected:
  bool reachable() const {
    PoolStats stats;
    watch_.Describe(&stats);
    return stats.database_reachable;
  }

  DatabaseWatch watch_;
};

TEST_F(DatabaseWatchTest, OnlyAChangeIsNews) {
  EXPECT_TRUE(watch_.OnAnswer(kStart));
  EXPECT_FALSE(watch_.OnAnswer(kStart));
  EXPECT_TRUE(watch_.OnSilence(SqlErrorOrLost(SqlFailure("57P01")), kStart));
  EXPECT_FALSE(watch_.OnSilence(SqlErrorOrLost(SqlFailure("")), kStart));
  EXPECT_TRUE(watch_.OnAnswer(kStart));
}

TEST_F(DatabaseWatchTest, GlancesFourTimesASecondUntilAMomentAfterTheLastLook) {
  EXPECT_EQ(watch_.next_glance(), kNever);
  watch_.OnLook(kStart);
  int glances = 0;
  for (MonotonicTime now = kStart; now < kStart + seconds(10); now += milliseconds(10)) {
    if (watch_.GlanceIfDue(now)) ++glances;
  }
  EXPECT_EQ(glances, 6);
  EXPECT_EQ(watch_.next_glance(), kNever);
}

TEST_F(DatabaseWatchTest, DialsOnlyWhileSomebodyLooks) {
  watch_.OnIdleClosed(kStart);
  watch_.OnSilence(SqlErrorOrLost(SqlFailure("")), kStart);
  EXPECT_EQ(watch_.next_dial(), kNever);
  watch_.OnLook(kStart);
  EXPECT_TRUE(watch_.GlanceIfDue(kStart));
  EXPECT_LE(watch_.next_dial(), kStart);
}

TEST_F(DatabaseWatchTest, ADialTellsWhetherAnybodyListens) {
  watch_.OnAnswer(kStart);
  EXPECT_FALSE(watch_.OnDialed(absl::OkStatus(), kStart));
  EXPECT_FALSE(watch_.OnDialed(SqlFailure(SqlFault::kConfiguration), kStart));
  EXPECT_TRUE(reachable()) << "nobody was asked";
  EXPECT_TRUE(watch_.OnDialed(SqlFailure(""), kStart));
  EXPECT_FALSE(reachable());
  EXPECT_TRUE(watch_.OnDialed(absl::OkStatus(), kStart));
  EXPECT_TRUE(reachable());
}

}  // namespace
}  // namespace auth::pool
