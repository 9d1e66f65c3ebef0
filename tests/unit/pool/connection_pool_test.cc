#include "pool/connection_pool.h"

#include <atomic>
#include <chrono>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Call;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

const Statement kStatement{"probe", "SELECT 1"};

class ConnectionPoolTest : public PoolTest {
 protected:
  // Which session a borrowed connection is: runs a statement and looks who counted it.
  int SessionOf(PooledConnection& connection) {
    std::vector<int> before;
    for (int i = 0; i < database_.session_count(); ++i) {
      before.push_back(database_.session(i).calls(Call::kExecute));
    }
    EXPECT_THAT(connection->Execute(In(seconds(1)), kStatement, {}), IsOk());
    for (size_t i = 0; i < before.size(); ++i) {
      if (database_.session(static_cast<int>(i)).calls(Call::kExecute) > before[i]) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }
};

TEST_F(ConnectionPoolTest, LendsTheConnectionThatWasUsedLast) {
  MakePoolWithIdle(3);
  PooledConnection first = Borrow();
  EXPECT_EQ(SessionOf(first), 2);
  PooledConnection second = Borrow();
  EXPECT_EQ(SessionOf(second), 1);
}

TEST_F(ConnectionPoolTest, StartOpensMinConnectionsAndNoMore) {
  options_.min_connections = 3;
  MakePool();
  EXPECT_EQ(database_.connects(), 0);
  pool_->Start();
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().idle == 3; }));
  clock_.Advance(seconds(1));
  EXPECT_EQ(database_.connects(), 3);
  EXPECT_EQ(observer_.Count("started 3-10"), 1);
}

TEST_F(ConnectionPoolTest, ServesWaitersInTheOrderInWhichTheyCame) {
  options_.max_connections = 1;
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  Mutex mutex;
  std::vector<int> order;
  std::vector<std::future<void>> callers;
  for (int i = 0; i < 64; ++i) {
    callers.push_back(std::async(std::launch::async, [&, i] {
      const Borrowed connection = pool_->Acquire(In(minutes(1)));
      ASSERT_THAT(connection, IsOk());
      MutexLock lock(&mutex);
      order.push_back(i);
    }));
    ASSERT_TRUE(Eventually([&] { return pool_->Stats().waiters == i + 1; }));
  }
  held.reset();
  for (auto& caller : callers) caller.get();
  int inversions = 0;
  for (size_t i = 0; i < order.size(); ++i) inversions += order[i] == static_cast<int>(i) ? 0 : 1;
  EXPECT_EQ(order.size(), 64u);
  EXPECT_EQ(inversions, 0);
  EXPECT_EQ(database_.connects(), 1);
}

TEST_F(ConnectionPoolTest, WaiterThatGotADeadConnectionKeepsItsPlace) {
  options_.max_connections = 1;
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  auto first = StartWaiting(seconds(10));
  auto second = StartWaiting(seconds(10));
  database_.HoldConnects();
  database_.session(0).Kill();
  held.reset();
  ASSERT_TRUE(Told("dead peek"));
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().waiters == 2; }));
  database_.ReleaseAllConnects();
  {
    const Borrowed connection = first.get();
    ASSERT_THAT(connection, IsOk());
    EXPECT_EQ(second.wait_for(seconds(0)), std::future_status::timeout);
  }
  EXPECT_THAT(second.get(), IsOk());
}

TEST_F(ConnectionPoolTest, RefusesAtOnceWhenTooManyWait) {
  options_.max_connections = 1;
  options_.max_waiters = 2;
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  auto first = StartWaiting(seconds(10));
  auto second = StartWaiting(seconds(10));
  EXPECT_THAT(pool_->Acquire(In(seconds(10))), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(observer_.Count("acquired rejected"), 1);
  held.reset();
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_THAT(second.get(), IsOk());
}

TEST_F(ConnectionPoolTest, StopsWaitingAtTheDeadline) {
  options_.max_connections = 1;
  MakePool();
  PooledConnection held = Borrow();
  auto caller = StartWaiting(seconds(2));
  clock_.Advance(milliseconds(1999));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  clock_.Advance(milliseconds(1));
  EXPECT_THAT(caller.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(pool_->Stats().waiters, 0);
  EXPECT_EQ(observer_.Count("acquired timeout"), 1);
}

TEST_F(ConnectionPoolTest, SpendsNoConnectionOnACallWhoseDeadlineHasPassed) {
  MakePoolWithIdle(1);
  EXPECT_THAT(pool_->Acquire(clock_.Monotonic()), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(pool_->Stats().idle, 1);
}

TEST_F(ConnectionPoolTest, BusyPoolRefusesAfterAcquireTimeout) {
  options_.max_connections = 1;
  options_.acquire_timeout = seconds(1);
  MakePool();
  PooledConnection held = Borrow();
  auto caller = StartWaiting(seconds(10));
  clock_.Advance(milliseconds(999));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  clock_.Advance(milliseconds(1));
  const Borrowed refused = caller.get();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(RetryAfter(refused.status()), seconds(1));
  EXPECT_EQ(observer_.Count("acquired timeout"), 1);
}

TEST_F(ConnectionPoolTest, AcquireTimeoutDoesNotLimitTheWaitForAConnect) {
  options_.acquire_timeout = seconds(1);
  MakePool();
  database_.HoldConnects();
  auto caller = StartWaiting(seconds(30));
  for (int i = 0; i < 8; ++i) clock_.Advance(seconds(1));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  database_.ReleaseAllConnects();
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolTest, AcquireTimeoutCountsFromTheMomentThePoolIsBusy) {
  options_.max_connections = 1;
  options_.acquire_timeout = seconds(1);
  MakePool();
  database_.HoldConnects();
  auto first = StartWaiting(seconds(30));
  auto second = StartWaiting(seconds(30));
  for (int i = 0; i < 5; ++i) clock_.Advance(milliseconds(700));
  database_.ReleaseAllConnects();
  const Borrowed lent = first.get();
  ASSERT_THAT(lent, IsOk());
  clock_.Advance(milliseconds(999));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  clock_.Advance(milliseconds(1));
  EXPECT_THAT(second.get(), StatusIs(absl::StatusCode::kUnavailable));
}

// 50 callers, 5 idle connections, queries far shorter than a connect.
TEST_F(ConnectionPoolTest, BurstOfShortQueriesOpensOneConnectionMore) {
  options_.max_connections = 50;
  MakePoolWithIdle(5);
  database_.HoldConnects();
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  std::vector<std::future<void>> callers;
  for (int i = 0; i < 50; ++i) {
    callers.push_back(std::async(std::launch::async, [&] {
      const Borrowed connection = pool_->Acquire(In(minutes(1)));
      ASSERT_THAT(connection, IsOk());
      gone.wait();
    }));
  }
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().waiters == 45; }));
  clock_.Settle();
  EXPECT_EQ(pool_->Stats().connecting, 1);
  go.set_value();
  for (auto& caller : callers) caller.get();
  database_.ReleaseAllConnects();
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().idle == 6; }));
  clock_.Settle();
  EXPECT_EQ(pool_->Stats().total(), 6);
  EXPECT_EQ(database_.connects(), 6);
}

TEST_F(ConnectionPoolTest, GrowsToItsMaximumWhileQueriesAreLong) {
  MakePool();
  std::vector<std::future<Borrowed>> callers;
  for (int i = 0; i < 15; ++i) callers.push_back(StartBorrow(seconds(30)));
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().in_use == 10; }));
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().waiters == 5; }));
  clock_.Settle();
  EXPECT_EQ(database_.most_live(), 10);
  EXPECT_EQ(database_.connects(), 10);
  clock_.Advance(seconds(30));
  int served = 0;
  for (auto& caller : callers) served += caller.get().ok() ? 1 : 0;
  EXPECT_GE(served, 10);
}

TEST_F(ConnectionPoolTest, ColdPoolConnectsTwiceAtOnce) {
  MakePool();
  database_.HoldConnects();
  std::vector<std::future<Borrowed>> callers;
  for (int i = 0; i < 5; ++i) callers.push_back(StartWaiting(seconds(30)));
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().connecting == 2; }));
  database_.ReleaseAllConnects();
  for (auto& caller : callers) EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolTest, OneCallerCausesOneConnect) {
  MakePool();
  database_.HoldConnects();
  auto caller = StartWaiting(seconds(30));
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().connecting == 1; }));
  clock_.Advance(seconds(5));
  EXPECT_EQ(database_.connects(), 1);
  database_.ReleaseAllConnects();
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolTest, StatsAreOnePicture) {
  options_.max_connections = 4;
  MakePoolWithIdle(2);
  PooledConnection one = Borrow();
  PooledConnection two = Borrow();
  database_.HoldConnects();
  auto caller = StartWaiting(seconds(10));
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().connecting == 1; }));
  const PoolStats stats = pool_->Stats();
  EXPECT_EQ(stats.in_use, 2);
  EXPECT_EQ(stats.idle, 0);
  EXPECT_EQ(stats.waiters, 1);
  EXPECT_EQ(stats.max, 4);
  EXPECT_EQ(stats.total(), 3);
  EXPECT_EQ(stats.breaker, BreakerState::kClosed);
  EXPECT_TRUE(stats.database_reachable);
  database_.ReleaseAllConnects();
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolTest, MovedConnectionGoesBackOnce) {
  MakePoolWithIdle(2);
  PooledConnection first = Borrow();
  PooledConnection second = Borrow();
  first = std::move(second);
  EXPECT_EQ(pool_->Stats().idle, 1);
  EXPECT_EQ(pool_->Stats().in_use, 1);
  { const PooledConnection third = std::move(first); }
  EXPECT_EQ(pool_->Stats().idle, 2);
}

TEST_F(ConnectionPoolTest, DrainWaitsForBorrowedConnectionsAndClosesAll) {
  MakePoolWithIdle(3);
  std::optional<PooledConnection> held = Borrow();
  auto drain = std::async(std::launch::async, [&] { return pool_->Drain(In(seconds(10))); });
  EXPECT_TRUE(Eventually([&] { return database_.live() == 1; }));
  EXPECT_THAT(pool_->Acquire(In(seconds(1))), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(drain.wait_for(seconds(0)), std::future_status::timeout);
  held.reset();
  EXPECT_THAT(drain.get(), IsOk());
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired drained"), 3);
  EXPECT_EQ(observer_.Count("acquired shut_down"), 1);
}

TEST_F(ConnectionPoolTest, DrainCancelsWaitersAndConnects) {
  MakePool();
  database_.HoldConnects();
  auto caller = StartWaiting(seconds(30));
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().connecting == 1; }));
  EXPECT_THAT(pool_->Drain(In(seconds(10))), IsOk());
  EXPECT_THAT(caller.get(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_TRUE(observer_.Lines("connect failed").empty());
}

TEST_F(ConnectionPoolTest, DrainGivesUpAtItsDeadline) {
  MakePool();
  PooledConnection held = Borrow();
  auto drain = std::async(std::launch::async, [&] { return pool_->Drain(In(seconds(5))); });
  EXPECT_TRUE(
      Eventually([&] { return absl::IsCancelled(pool_->Acquire(In(seconds(1))).status()); }));
  EXPECT_THAT(held->Execute(In(seconds(1)), kStatement, {}), IsOk());
  clock_.Advance(seconds(5));
  EXPECT_THAT(drain.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(held->Execute(In(seconds(1)), kStatement, {}).ok()) << "its socket is cut";
}

TEST_F(ConnectionPoolTest, DestructorDoesNotWaitForAConnectThatHangs) {
  MakePool();
  database_.HoldConnects();
  pool_->Start();
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().connecting == 1; }));
  pool_.reset();
  EXPECT_EQ(database_.live(), 0);
}

}  // namespace
}  // namespace auth::pool
