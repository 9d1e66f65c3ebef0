#include "server/ops/pool_events.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "pool/sql_error.h"
#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

using std::chrono::seconds;

class PoolEventsTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  PoolEvents events_{&clock_};
};

TEST_F(PoolEventsTest, TellsInTheOrderInWhichThingsHappened) {
  events_.OnDatabase(false);
  clock_.Advance(seconds(1));
  events_.OnConnectFailed(
      2, 3,
      pool::MakeSqlStatus({pool::SqlFault::kServerFull, "53300", ""}, "host db.internal: full"));
  events_.OnRecreated(pool::RecreateReason::kConnectFailures, 4);
  const std::vector<PoolEvent> recent = events_.Recent();
  ASSERT_EQ(recent.size(), 3u);
  EXPECT_EQ(recent[0].kind, "database");
  EXPECT_EQ(recent[0].message, "The database does not answer");
  EXPECT_EQ(recent[1].kind, "connect_failed");
  EXPECT_EQ(recent[1].sqlstate, "53300");
  EXPECT_EQ(recent[1].message, "Failed to get connection (attempt 2/3): server_full")
      << "nothing of the driver's text";
  EXPECT_EQ(recent[1].time - recent[0].time, seconds(1));
  EXPECT_EQ(recent[2].kind, "recreated");
}

TEST_F(PoolEventsTest, RepeatsAreCountedAndKeepTheLastTime) {
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(seconds(1));
    events_.OnAttempt(pool::Effect::kIdempotent, "lost");
  }
  events_.OnAttempt(pool::Effect::kReadOnly, "lost");
  const std::vector<PoolEvent> recent = events_.Recent();
  ASSERT_EQ(recent.size(), 2u);
  EXPECT_EQ(recent[0].count, 5);
  EXPECT_EQ(recent[0].time, clock_.Now());
  EXPECT_EQ(recent[1].count, 1);
}

TEST_F(PoolEventsTest, WhatIsAsItShouldBeIsNoEvent) {
  events_.OnAttempt(pool::Effect::kReadOnly, "");
  events_.OnRetired(pool::RetireReason::kIdleTimeout);
  events_.OnRetired(pool::RetireReason::kMaxLifetime);
  EXPECT_TRUE(events_.Recent().empty());
  events_.OnRetired(pool::RetireReason::kLost);
  EXPECT_EQ(events_.Recent().size(), 1u);
}

TEST_F(PoolEventsTest, OnlyTheLastAreKept) {
  for (int i = 0; i < 1000; ++i) events_.OnRecreated(pool::RecreateReason::kRequested, i);
  const std::vector<PoolEvent> recent = events_.Recent();
  ASSERT_EQ(recent.size(), PoolEvents::kMostEvents);
  EXPECT_NE(recent.back().message.find("999"), std::string::npos);
}

TEST_F(PoolEventsTest, ManyThreadsMayTellAndLook) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        events_.OnRecreated(pool::RecreateReason::kRequested, i);
        EXPECT_LE(events_.Recent().size(), PoolEvents::kMostEvents);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace auth::ops
