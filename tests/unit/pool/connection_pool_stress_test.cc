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
#include "tests/support/test_run.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;
using testing::ScriptedDatabase;
using testing::ScriptedSession;
using testing::ShortOrLong;
using testing::SqlFailure;
using testing::TestSeed;

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
    options_.replace_over = Duration::zero();  // sessions die hundreds of times
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
  const auto seed = static_cast<uint32_t>(TestSeed());
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

// Everything that can be done to a pool, at once, until one thread drains it; then the next pool.
class ConnectionPoolMixTest : public ::testing::Test {
 protected:
  static constexpr int64_t kOperationsPerPool = 10'000;

  ConnectionPoolMixTest() {
    options_.max_connections = kMaxConnections;
    options_.validate_after_idle = milliseconds(1);
    options_.max_lifetime = milliseconds(50);
    options_.replace_over = Duration::zero();  // as above
  }

  // Until `operations` more are done and the pool is drained.
  void RunOnePool(uint64_t seed, int64_t operations) {
    ScriptedDatabase database(&clock_);
    database.DisableLog();
    database.SetConnectTime(std::chrono::microseconds(100));
    {
      ConnectionPool pool(options_, database.MakeFactory(), &clock_, &observer_);
      pool.Start();
      const int64_t last = operations_ + operations;
      std::vector<std::thread> threads;
      for (uint64_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          std::mt19937_64 random(seed + i);
          bool drained = false;
          while (!drained) {
            if (i == 0 && operations_ >= last) {
              EXPECT_THAT(pool.Drain(clock_.Monotonic() + seconds(60)), IsOk());
              Count(&drains_);
            }
            drained = !Step(&pool, &database, &random);
            Check(pool, database);
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      EXPECT_EQ(pool.Stats().total(), 0);
      EXPECT_EQ(pool.Stats().waiters, 0);
    }
    EXPECT_LE(database.most_live(), kMaxConnections);
    EXPECT_EQ(database.live(), 0);
    EXPECT_EQ(database.overlaps(), 0);
  }

  // One thing of the mix; false if the pool is draining.
  bool Step(ConnectionPool* pool, ScriptedDatabase* database, std::mt19937_64* random) {
    const auto one_in = [random](uint64_t n) { return (*random)() % n == 0; };
    if (one_in(500)) {
      database->ForEachLiveSession([&](ScriptedSession& session) {
        if (one_in(3)) session.KillUnnoticed();
        if (one_in(3)) session.Kill();
      });
      Count(&kills_);
    }
    if (one_in(1000)) {
      pool->InvalidateAll();
      Count(&invalidations_);
    }
    if (one_in(50'000)) database->FailNextConnect(SqlFailure("57P03"));

    const Duration timeout =
        one_in(4) ? Duration(std::chrono::microseconds((*random)() % 200)) : seconds(60);
    absl::StatusOr<PooledConnection> connection = pool->Acquire(clock_.Monotonic() + timeout);
    Count(&acquires_);
    if (!connection.ok()) {
      if (absl::IsCancelled(connection.status())) return false;
      EXPECT_TRUE(absl::IsDeadlineExceeded(connection.status())) << connection.status();
      Count(&expiries_);
      return true;
    }
    absl::Status status =
        (*connection)->Execute(clock_.Monotonic() + seconds(1), kStatement, {}).status();
    if (status.ok() && one_in(100)) status = SqlFailure("26000");
    if (!status.ok()) {
      std::move(*connection).Discard(status);
      Count(&discards_);
    } else {
      const PooledConnection back = *std::move(connection);
      Count(&returns_);
    }
    return true;
  }

  void Check(const ConnectionPool& pool, const ScriptedDatabase& database) {
    const PoolStats stats = pool.Stats();
    if (stats.total() > kMaxConnections || stats.total() < 0) ++violations_;
    if (stats.idle > 0 && stats.waiters > 0) ++violations_;
    if (database.live() > kMaxConnections) ++violations_;
  }

  void Count(std::atomic<int64_t>* what) {
    ++*what;
    ++operations_;
  }

  RealClock clock_;
  PoolObserver observer_;
  PoolOptions options_;
  std::atomic<int64_t> operations_ = 0;
  std::atomic<int64_t> acquires_ = 0;
  std::atomic<int64_t> returns_ = 0;
  std::atomic<int64_t> discards_ = 0;
  std::atomic<int64_t> invalidations_ = 0;
  std::atomic<int64_t> kills_ = 0;
  std::atomic<int64_t> expiries_ = 0;
  std::atomic<int64_t> drains_ = 0;
  std::atomic<int64_t> violations_ = 0;
};

TEST_F(ConnectionPoolMixTest, NeverExceedsItsMaximumAndLeavesNothing) {
  uint64_t seed = TestSeed();
  const int64_t operations = ShortOrLong<int64_t>(200'000, 10'000'000);
  while (operations_ < operations && !HasFailure()) {
    RunOnePool(seed, kOperationsPerPool);
    seed += kThreads;
  }
  std::cout << operations_ << " operations: " << acquires_ << " acquires (" << expiries_
            << " expired), " << returns_ << " returns, " << discards_ << " discards, "
            << invalidations_ << " invalidations, " << kills_ << " kills, " << drains_
            << " drains\n";
  EXPECT_EQ(violations_, 0);
  for (const std::atomic<int64_t>* some :
       {&returns_, &discards_, &invalidations_, &kills_, &expiries_, &drains_}) {
    EXPECT_GT(*some, 0) << "not everything was in the mix";
  }
}

}  // namespace
}  // namespace auth::pool
