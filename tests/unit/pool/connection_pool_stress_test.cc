// Many threads on the real clock, while sessions die at random.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "pool/connection_pool.h"
#include "tests/support/eventually.h"
#include "tests/support/scripted_connection.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;
using testing::ScriptedDatabase;
using testing::ScriptedSession;
using testing::SqlFailure;

constexpr int kThreads = 16;
constexpr int kCallsPerThread = 1500;
constexpr int kMaxConnections = 5;
const Statement kStatement{"probe", "SELECT 1"};

class ConnectionPoolStressTest : public ::testing::Test {
 protected:
  ConnectionPoolStressTest() {
    options_.max_connections = kMaxConnections;
    options_.validate_after_idle = milliseconds(1);
    options_.max_lifetime = milliseconds(200);
    database_.DisableLog();
    database_.SetConnectTime(std::chrono::microseconds(500));
  }

  // One call as TransactionRunner makes it: borrows and replays until it went through.
  void Call(ConnectionPool* pool) {
    while (true) {
      absl::StatusOr<PooledConnection> connection = pool->Acquire(clock_.Monotonic() + seconds(60));
      ASSERT_THAT(connection, IsOk());
      const absl::Status status =
          (*connection)->Execute(clock_.Monotonic() + seconds(1), kStatement, {}).status();
      if (status.ok()) break;
      ++replays_;
      std::move(*connection).Discard(status);
    }
    ++served_;
  }

  // Something that goes wrong in the database, now and then.
  void Disturb(ConnectionPool* pool, std::minstd_rand* random) {
    const auto one_in = [random](uint32_t n) { return (*random)() % n == 0; };
    const auto kill_some = [&](uint32_t n, void (ScriptedSession::*kill)()) {
      database_.ForEachLiveSession([&](ScriptedSession& session) {
        if (one_in(n)) (session.*kill)();
      });
    };
    if (one_in(100)) kill_some(2, &ScriptedSession::KillUnnoticed);
    if (one_in(200)) kill_some(1, &ScriptedSession::Kill);
    if (one_in(500)) pool->InvalidateAll();
    if (one_in(6000)) database_.FailNextConnect(SqlFailure("57P03"));
    const PoolStats stats = pool->Stats();
    if (stats.total() > stats.max || stats.total() < 0) ++violations_;
    if (stats.idle > 0 && stats.waiters > 0) ++violations_;
  }

  RealClock clock_;
  ScriptedDatabase database_{&clock_};
  PoolObserver observer_;
  PoolOptions options_;
  std::atomic<int> served_ = 0;
  std::atomic<int> replays_ = 0;
  std::atomic<int> violations_ = 0;
};

TEST_F(ConnectionPoolStressTest, ServesEveryCallAndNeverExceedsItsMaximum) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  {
    ConnectionPool pool(options_, database_.MakeFactory(), &clock_, &observer_);
    pool.Start();
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        std::minstd_rand random(seed + i);
        for (int call = 0; call < kCallsPerThread; ++call) {
          Call(&pool);
          Disturb(&pool, &random);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(pool.Stats().in_use, 0);
    EXPECT_EQ(pool.Stats().waiters, 0);
    EXPECT_THAT(pool.Drain(clock_.Monotonic() + seconds(30)), IsOk());
    EXPECT_EQ(pool.Stats().total(), 0);
  }
  EXPECT_EQ(served_, kThreads * kCallsPerThread);
  EXPECT_GT(replays_, 0) << "nothing was disturbed";
  EXPECT_EQ(violations_, 0);
  EXPECT_LE(database_.most_live(), kMaxConnections);
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(database_.overlaps(), 0);
}

// On the real clock a wake-up that was forgotten is not made up for by the next look at the time.
TEST_F(ConnectionPoolStressTest, WakesItsThreadsWithoutATimeout) {
  options_.max_connections = 1;
  options_.max_lifetime = std::chrono::hours(1);
  ConnectionPool pool(options_, database_.MakeFactory(), &clock_, &observer_);
  for (int i = 0; i < 50; ++i) {
    absl::StatusOr<PooledConnection> held = pool.Acquire(clock_.Monotonic() + seconds(20));
    ASSERT_THAT(held, IsOk());
    std::thread waiter(
        [&] { EXPECT_THAT(pool.Acquire(clock_.Monotonic() + seconds(20)), IsOk()); });
    EXPECT_TRUE(testing::Eventually([&] { return pool.Stats().waiters == 1; }));
    std::move(*held).Discard(SqlFailure("26000"));
    waiter.join();
    pool.InvalidateAll();
    EXPECT_TRUE(testing::Eventually([&] { return database_.live() == 0; }));
  }
}

// Callers that give up must leave nothing behind: no lost slot, no lost wake-up.
TEST_F(ConnectionPoolStressTest, SurvivesCallersThatGiveUp) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  ConnectionPool pool(options_, database_.MakeFactory(), &clock_, &observer_);
  std::atomic<int> given_up = 0;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::minstd_rand random(seed + i);
      for (int call = 0; call < kCallsPerThread; ++call) {
        const std::chrono::microseconds timeout(random() % 200);
        absl::StatusOr<PooledConnection> connection = pool.Acquire(clock_.Monotonic() + timeout);
        if (!connection.ok()) {
          ++given_up;
          EXPECT_TRUE(absl::IsDeadlineExceeded(connection.status())) << connection.status();
        } else if (random() % 100 == 0) {
          std::move(*connection).Discard(SqlFailure("26000"));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(given_up, 0);
  EXPECT_EQ(pool.Stats().in_use, 0);
  EXPECT_EQ(pool.Stats().waiters, 0);
  std::vector<PooledConnection> all;
  for (int i = 0; i < kMaxConnections; ++i) {
    absl::StatusOr<PooledConnection> connection = pool.Acquire(clock_.Monotonic() + seconds(30));
    ASSERT_THAT(connection, IsOk());
    all.push_back(*std::move(connection));
  }
  EXPECT_LE(database_.most_live(), kMaxConnections);
  EXPECT_EQ(database_.overlaps(), 0);
}

}  // namespace
}  // namespace auth::pool
