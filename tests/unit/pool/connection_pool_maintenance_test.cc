// What the pool does by itself, and that it does nothing else.
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Call;
using testing::IsOk;

class ConnectionPoolMaintenanceTest : public PoolTest {};

TEST_F(ConnectionPoolMaintenanceTest, IdleTimeoutClosesEvenTheLastConnection) {
  options_.min_connections = 2;
  MakePool();
  pool_->Start();
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().idle == 2; }));
  clock_.Advance(options_.idle_timeout - milliseconds(1));
  EXPECT_EQ(database_.live(), 2);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired idle_timeout"), 2);
}

TEST_F(ConnectionPoolMaintenanceTest, IdleTimeoutCountsFromTheLastUse) {
  MakePoolWithIdle(2);
  clock_.Advance(options_.idle_timeout / 2);
  { const PooledConnection used = Borrow(); }
  clock_.Advance(options_.idle_timeout / 2);
  EXPECT_EQ(database_.live(), 1);
  clock_.Advance(options_.idle_timeout / 2);
  EXPECT_EQ(database_.live(), 0);
}

TEST_F(ConnectionPoolMaintenanceTest, LifetimesEndApartFromEachOther) {
  options_.max_connections = 20;
  options_.idle_timeout = options_.max_lifetime * 2;
  MakePoolWithIdle(20);
  clock_.Advance(options_.max_lifetime * 8 / 10 - milliseconds(1));
  EXPECT_EQ(database_.live(), 20);
  int steps_with_a_close = 0;
  for (int i = 0; i < 20; ++i) {
    const int before = database_.live();
    clock_.Advance(options_.max_lifetime / 100);
    if (database_.live() < before) ++steps_with_a_close;
  }
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(database_.live(), 0);
  // 20 closes over 20 steps: the chance that they hit fewer than 6 is below 1e-6.
  EXPECT_GE(steps_with_a_close, 6);
  EXPECT_EQ(observer_.Count("retired max_lifetime"), 20);
}

TEST_F(ConnectionPoolMaintenanceTest, BorrowedConnectionPastItsLifetimeIsClosedOnReturn) {
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  clock_.Advance(options_.max_lifetime);
  EXPECT_EQ(database_.live(), 1);
  held.reset();
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired max_lifetime"), 1);
}

TEST_F(ConnectionPoolMaintenanceTest, ReportsALeakOnceABorrow) {
  MakePoolWithIdle(1);
  std::optional<PooledConnection> held = Borrow();
  clock_.Advance(options_.leak_threshold - milliseconds(1));
  EXPECT_EQ(observer_.Count("leak"), 0);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(observer_.Count("leak"), 1);
  for (int i = 0; i < 10; ++i) clock_.Advance(options_.leak_threshold);
  EXPECT_EQ(observer_.Count("leak"), 1);
  held.reset();
  held = Borrow();
  clock_.Advance(options_.leak_threshold);
  EXPECT_EQ(observer_.Count("leak"), 2);
}

TEST_F(ConnectionPoolMaintenanceTest, IdlePoolSendsNothing) {
  options_.min_connections = 3;
  MakePool();
  pool_->Start();
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().idle == 3; }));
  for (int i = 0; i < 60; ++i) clock_.Advance(seconds(10));
  EXPECT_EQ(database_.connects(), 3);
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(database_.calls(Call::kPing), 0);
  EXPECT_EQ(database_.peeks(), 0);
  EXPECT_TRUE(database_.log().empty());
  EXPECT_THAT(pool_->Acquire(In(seconds(1))), IsOk());
}

// --- A database that goes while nobody calls -----------------------------------------------------

TEST_F(ConnectionPoolMaintenanceTest, WhoLooksLearnsThatAnIdleDatabaseHasGone) {
  MakePoolWithIdle(2);
  database_.ForEachLiveSession([](testing::ScriptedSession& session) { session.Kill(); });
  database_.AnswerDials(testing::SqlFailure(""));
  const int peeks = database_.peeks();
  clock_.Advance(seconds(10));
  EXPECT_TRUE(pool_->Stats().database_reachable) << "nobody has looked";
  EXPECT_EQ(database_.peeks(), peeks);
  pool_->LookAtIdle();
  EXPECT_TRUE(Eventually([&] { return !pool_->Stats().database_reachable; }));
  EXPECT_EQ(pool_->Stats().idle, 0);
  EXPECT_EQ(database_.connects(), 2) << "no session is opened to find out";
}

TEST_F(ConnectionPoolMaintenanceTest, WhoLooksLearnsThatTheDatabaseIsBack) {
  MakePoolWithIdle(1);
  database_.session(0).Kill();
  database_.AnswerDials(testing::SqlFailure(""));
  pool_->LookAtIdle();
  ASSERT_TRUE(Eventually([&] { return !pool_->Stats().database_reachable; }));
  clock_.Advance(seconds(2));
  const int dials = database_.dials();
  database_.AnswerDials(absl::OkStatus());
  clock_.Advance(seconds(60));
  EXPECT_EQ(database_.dials(), dials) << "nobody has looked";
  pool_->LookAtIdle();
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().database_reachable; }));
  EXPECT_EQ(database_.connects(), 1);
}

TEST_F(ConnectionPoolMaintenanceTest, AServerThatListensOnForAMomentIsDialledAgain) {
  MakePoolWithIdle(1);
  database_.session(0).Kill();
  pool_->LookAtIdle();
  ASSERT_TRUE(Eventually([&] { return database_.dials() == 1; }));
  EXPECT_TRUE(pool_->Stats().database_reachable);
  database_.AnswerDials(testing::SqlFailure(""));
  clock_.Advance(milliseconds(250));
  EXPECT_TRUE(Eventually([&] { return !pool_->Stats().database_reachable; }));
}

TEST_F(ConnectionPoolMaintenanceTest, ADialThatCannotBeMadeSaysNothingOfTheDatabase) {
  MakePoolWithIdle(1);
  database_.session(0).Kill();
  // The file with the connection string cannot be read for a moment.
  database_.AnswerDials(testing::SqlFailure(SqlFault::kConfiguration));
  pool_->LookAtIdle();
  ASSERT_TRUE(Eventually([&] { return database_.dials() == 1; }));
  clock_.Settle();
  EXPECT_TRUE(pool_->Stats().database_reachable);
  database_.AnswerDials(testing::SqlFailure(""));
  clock_.Advance(milliseconds(250));
  EXPECT_TRUE(Eventually([&] { return !pool_->Stats().database_reachable; }));
}

TEST_F(ConnectionPoolMaintenanceTest, LooksAtAHealthyPoolCostPeeksAndNoMore) {
  options_.idle_timeout = std::chrono::hours(1);
  MakePoolWithIdle(3);
  const size_t calls = database_.log().size();
  const int peeks = database_.peeks();
  for (int i = 0; i < 60; ++i) {
    pool_->LookAtIdle();
    clock_.Advance(seconds(1));
  }
  EXPECT_GE(database_.peeks(), peeks + 180);
  const int watched = database_.peeks();
  clock_.Advance(seconds(2));
  clock_.Advance(seconds(60));
  EXPECT_LE(database_.peeks(), watched + 3) << "nobody looks any more";
  EXPECT_EQ(database_.dials(), 0);
  EXPECT_EQ(database_.log().size(), calls);
  EXPECT_EQ(pool_->Stats().idle, 3);
}

TEST_F(ConnectionPoolMaintenanceTest, AListenerIsNoProofAfterCallsHaveFailed) {
  MakePool();
  database_.FailConnects(testing::SqlFailure("57P03"));
  std::future<Borrowed> caller = StartWaiting(seconds(1));
  ASSERT_TRUE(Told("connect failed 1/3"));
  clock_.Advance(seconds(1));
  EXPECT_FALSE(caller.get().ok());
  pool_->LookAtIdle();
  ASSERT_TRUE(Eventually([&] { return database_.dials() >= 1; }));
  clock_.Settle();
  EXPECT_FALSE(pool_->Stats().database_reachable);
}

TEST_F(ConnectionPoolMaintenanceTest, StatsDescribeEachConnection) {
  MakePoolWithIdle(2);
  clock_.Advance(seconds(10));
  const PooledConnection borrowed = Borrow();
  clock_.Advance(seconds(5));
  const PoolStats stats = pool_->Stats();
  ASSERT_EQ(stats.slots.size(), 2u);
  for (const SlotStats& slot : stats.slots) {
    EXPECT_EQ(slot.generation, stats.generation);
    EXPECT_GE(clock_.Monotonic() - slot.opened, seconds(15));
    EXPECT_GT(slot.expires, clock_.Monotonic());
    if (slot.state == "in_use") {
      EXPECT_EQ(clock_.Monotonic() - slot.since, seconds(5));
    } else {
      EXPECT_EQ(slot.state, "idle");
      EXPECT_GE(clock_.Monotonic() - slot.since, seconds(15));
    }
  }
}

}  // namespace
}  // namespace auth::pool
