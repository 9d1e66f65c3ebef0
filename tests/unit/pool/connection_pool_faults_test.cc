// What the pool concludes for all its connections from the failure of one.
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Call;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

class ConnectionPoolFaultsTest : public PoolTest {
 protected:
  // Borrows the connection on top and gives it back as failed with `sqlstate`.
  void Lose(std::string_view sqlstate) { Borrow().Discard(SqlFailure(sqlstate)); }
  static void Lose(PooledConnection connection, std::string_view sqlstate) {
    std::move(connection).Discard(SqlFailure(sqlstate));
  }
  int64_t generation() const { return pool_->Stats().generation; }
};

TEST_F(ConnectionPoolFaultsTest, LossSweepsIdleConnectionsAndMakesThemSuspect) {
  MakePoolWithIdle(4);
  PooledConnection lost = Borrow();  // session 3
  database_.session(0).Kill();
  Lose(std::move(lost), "08006");
  EXPECT_TRUE(Eventually([&] { return database_.session(0).closed(); }));
  clock_.Settle();
  EXPECT_EQ(observer_.Count("retired lost"), 1);
  EXPECT_EQ(observer_.Count("retired closed_by_server"), 1);
  EXPECT_EQ(pool_->Stats().idle, 2);
  EXPECT_EQ(generation(), 1);
  { const PooledConnection connection = Borrow(); }
  { const PooledConnection connection = Borrow(); }
  EXPECT_EQ(database_.session(2).calls(Call::kPing), 1);
}

TEST_F(ConnectionPoolFaultsTest, SweepKeepsTheOrder) {
  MakePoolWithIdle(4);
  Lose("08006");
  clock_.Settle();
  const PooledConnection top = Borrow();
  EXPECT_EQ(database_.session(2).calls(Call::kPing), 1);
}

TEST_F(ConnectionPoolFaultsTest, ServerShutdownRecreatesThePool) {
  for (const char* const sqlstate : {"57P01", "57P02"}) {
    SCOPED_TRACE(sqlstate);
    observer_.Clear();
    const int opened = database_.session_count();
    MakePoolWithIdle(4);
    PooledConnection lost = Borrow();
    std::optional<PooledConnection> borrowed = Borrow();
    Lose(std::move(lost), sqlstate);
    EXPECT_EQ(generation(), 2);
    EXPECT_EQ(observer_.Count("recreated server_shutdown"), 1);
    EXPECT_TRUE(Eventually([&] { return pool_->Stats().total() == 1; }));
    EXPECT_EQ(observer_.Count("retired stale_generation"), 2);
    borrowed.reset();
    EXPECT_EQ(pool_->Stats().total(), 0);
    EXPECT_EQ(observer_.Count("retired stale_generation"), 3);
    { const PooledConnection connection = Borrow(); }
    EXPECT_EQ(pool_->Stats().idle, 1);
    EXPECT_EQ(database_.session_count(), opened + 5);
  }
}

TEST_F(ConnectionPoolFaultsTest, TwoLossesWithinASecondRecreateThePool) {
  MakePoolWithIdle(4);
  Lose("08006");
  EXPECT_EQ(generation(), 1);
  clock_.Advance(milliseconds(999));
  Lose("08006");
  EXPECT_EQ(generation(), 2);
  EXPECT_EQ(observer_.Count("recreated repeated_loss"), 1);
}

TEST_F(ConnectionPoolFaultsTest, TwoLossesFurtherApartDoNot) {
  MakePoolWithIdle(4);
  Lose("08006");
  clock_.Advance(milliseconds(1000));
  Lose("08006");
  EXPECT_EQ(generation(), 1);
}

TEST_F(ConnectionPoolFaultsTest, RecreatesAtMostOnceASecond) {
  MakePoolWithIdle(2);
  Lose("57P01");
  EXPECT_EQ(generation(), 2);
  clock_.Advance(milliseconds(300));
  Lose("57P01");
  Lose("57P01");
  EXPECT_EQ(generation(), 2);
  const PooledConnection still_new = Borrow();
  clock_.Advance(milliseconds(699));
  EXPECT_EQ(generation(), 2);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(observer_.Count("recreated server_shutdown"), 2);
  const int64_t recreated = generation();
  EXPECT_GT(recreated, 2);
  clock_.Advance(seconds(5));
  EXPECT_EQ(generation(), recreated);
}

// The second of two losses condemns what was opened before it, a moment later; the next primary is
// up by then.
TEST_F(ConnectionPoolFaultsTest, ARecreationThatHadToWaitSparesWhatWasOpenedMeanwhile) {
  MakePoolWithIdle(1);
  Lose("57P01");
  clock_.Advance(milliseconds(300));
  PooledConnection doomed = Borrow();
  std::optional<PooledConnection> doomed_as_well = Borrow();
  Lose(std::move(doomed), "57P01");
  clock_.Advance(milliseconds(200));
  std::optional<PooledConnection> good = Borrow();
  { const PooledConnection idle = Borrow(); }
  observer_.Clear();
  clock_.Advance(milliseconds(500));
  EXPECT_EQ(observer_.Count("recreated server_shutdown"), 1);
  EXPECT_EQ(pool_->Stats().idle, 1);
  doomed_as_well.reset();
  EXPECT_EQ(observer_.Count("retired stale_generation"), 1);
  good.reset();
  EXPECT_EQ(pool_->Stats().idle, 2);
  EXPECT_EQ(observer_.Count("retired stale_generation"), 1);
}

TEST_F(ConnectionPoolFaultsTest, LossOfAnOldConnectionDoesNotCondemnTheNewOnes) {
  MakePoolWithIdle(4);
  PooledConnection first = Borrow();
  PooledConnection second = Borrow();
  PooledConnection third = Borrow();
  PooledConnection fourth = Borrow();
  Lose(std::move(first), "57P01");
  std::optional<PooledConnection> replacement = Borrow();
  replacement.reset();
  const int peeks = database_.peeks();
  Lose(std::move(second), "57P01");
  Lose(std::move(third), "25006");
  std::move(fourth).Discard(SqlFailure(SqlFault::kDeadline));
  clock_.Settle();
  EXPECT_EQ(database_.peeks(), peeks) << "nothing is swept";
  replacement = Borrow();
  EXPECT_EQ(database_.calls(Call::kPing), 0) << "nothing is suspect";
  auto caller = StartBorrow(seconds(10));
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().in_use == 2; })) << "connects are not paced";
  clock_.Advance(seconds(2));
  EXPECT_EQ(generation(), 2);
  EXPECT_TRUE(pool_->Stats().database_reachable);
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolFaultsTest, ConnectionsThatEndTogetherAreReplacedOneByOne) {
  options_.replace_over = milliseconds(500);
  for (const char* const sqlstate : {"57P01", "57P02", ""}) {
    SCOPED_TRACE(sqlstate);
    MakePoolWithIdle(5);
    if (*sqlstate == '\0') Lose("");  // two are a repeated loss
    Lose(sqlstate);
    const int before = database_.connects();
    std::array<std::future<Borrowed>, 4> callers;
    for (auto& caller : callers) caller = StartBorrow(seconds(10));
    EXPECT_TRUE(Eventually([&] { return pool_->Stats().waiters == 3; })) << "the first at once";
    clock_.Advance(milliseconds(49));
    EXPECT_EQ(database_.connects(), before + 1);
    for (int i = 0; i < 60; ++i) clock_.Advance(milliseconds(10));
    for (auto& caller : callers) EXPECT_THAT(caller.get(), IsOk());
  }
}

TEST_F(ConnectionPoolFaultsTest, ConnectionsThatAreInvalidatedAreReplacedAtOnce) {
  options_.replace_over = milliseconds(500);
  MakePoolWithIdle(5);
  pool_->InvalidateAll();
  const PooledConnection first = Borrow();
  const PooledConnection second = Borrow();
  EXPECT_EQ(pool_->Stats().in_use, 2);
}

TEST_F(ConnectionPoolFaultsTest, ReadOnlyServerRecreatesThePool) {
  MakePoolWithIdle(3);
  Lose("25006");
  EXPECT_EQ(generation(), 2);
  EXPECT_EQ(observer_.Count("recreated read_only"), 1);
  EXPECT_EQ(observer_.Count("retired read_only"), 1);
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().total() == 0; }));
}

TEST_F(ConnectionPoolFaultsTest, IdleCloseSweepsButDoesNotRecreate) {
  for (const char* const sqlstate : {"57P05", "25P03"}) {
    SCOPED_TRACE(sqlstate);
    observer_.Clear();
    MakePoolWithIdle(4);
    const PoolStats before = pool_->Stats();
    Lose(sqlstate);
    Lose(sqlstate);
    clock_.Advance(seconds(2));
    EXPECT_EQ(generation(), 1);
    EXPECT_EQ(pool_->Stats().idle, 2);
    EXPECT_TRUE(pool_->Stats().database_reachable);
    EXPECT_EQ(pool_->Stats().reachable_since, before.reachable_since);
    EXPECT_EQ(pool_->Stats().last_sqlstate, sqlstate);
    // The two that were left idle were looked at: by the sweep, besides at their borrow.
    EXPECT_GT(observer_.Count("alive peek"), 4 + 2);
  }
}

TEST_F(ConnectionPoolFaultsTest, StaleStatementClosesThisConnectionOnly) {
  MakePoolWithIdle(3);
  Lose("26000");
  Lose("42P05");
  EXPECT_EQ(generation(), 1);
  EXPECT_EQ(observer_.Count("retired stale_statement"), 2);
  { const PooledConnection connection = Borrow(); }
  EXPECT_EQ(database_.calls(Call::kPing), 0);
}

TEST_F(ConnectionPoolFaultsTest, DeadlineThatFiredMakesTheOthersSuspect) {
  MakePoolWithIdle(3);
  Borrow().Discard(SqlFailure(SqlFault::kDeadline));
  EXPECT_EQ(observer_.Count("retired deadline"), 1);
  EXPECT_EQ(generation(), 1);
  const PooledConnection second = Borrow();
  const PooledConnection first = Borrow();
  EXPECT_EQ(database_.calls(Call::kPing), 2);
}

TEST_F(ConnectionPoolFaultsTest, InvalidateAllClosesIdleOnesNowAndBorrowedOnesOnReturn) {
  MakePoolWithIdle(3);
  std::optional<PooledConnection> borrowed = Borrow();
  pool_->InvalidateAll();
  EXPECT_TRUE(Eventually([&] { return database_.live() == 1; }));
  borrowed.reset();
  EXPECT_EQ(database_.live(), 0);
  EXPECT_EQ(observer_.Count("retired invalidated"), 3);
  EXPECT_EQ(observer_.Count("recreated requested"), 1);
}

TEST_F(ConnectionPoolFaultsTest, ConnectionOfAConnectBegunBeforeTheRecreationIsNotLent) {
  MakePool();
  database_.HoldConnects();
  auto caller = StartWaiting(seconds(10));
  ASSERT_TRUE(Eventually([&] { return database_.connects_running() == 1; }));
  pool_->InvalidateAll();
  database_.ReleaseAllConnects();
  EXPECT_THAT(caller.get(), IsOk());
  EXPECT_TRUE(Eventually([&] { return database_.session(0).closed(); }));
  EXPECT_EQ(database_.session_count(), 2);
}

TEST_F(ConnectionPoolFaultsTest, StatsSayWhetherTheDatabaseAnswers) {
  MakePool();
  EXPECT_FALSE(pool_->Stats().database_reachable);
  EXPECT_EQ(pool_->Stats().reachable_since, MonotonicTime{}) << "no evidence yet";
  std::optional<PooledConnection> other = Borrow();
  EXPECT_TRUE(pool_->Stats().database_reachable);
  EXPECT_EQ(pool_->Stats().last_fault, "");
  clock_.Advance(seconds(3));
  Lose("08006");
  PoolStats stats = pool_->Stats();
  EXPECT_FALSE(stats.database_reachable);
  EXPECT_EQ(stats.reachable_since, clock_.Monotonic());
  EXPECT_EQ(stats.last_fault, SqlFaultName(SqlFault::kLost));
  EXPECT_EQ(stats.last_sqlstate, "08006");
  clock_.Advance(seconds(2));
  other.reset();
  EXPECT_FALSE(pool_->Stats().database_reachable) << "it was asked nothing";
  other = Borrow();
  EXPECT_THAT((*other)->Ping(In(seconds(1))), IsOk());
  other.reset();
  stats = pool_->Stats();
  EXPECT_TRUE(stats.database_reachable);
  EXPECT_EQ(stats.reachable_since, clock_.Monotonic());
  EXPECT_EQ(observer_.Count("reachability changed"), 3);
}

TEST_F(ConnectionPoolFaultsTest, AServerThatTakesNoMoreSessionsStillServesTheOpenOnes) {
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  database_.FailConnects(SqlFailure("53300"));
  auto waiting = std::async(std::launch::async, [&] { return pool_->Acquire(In(seconds(60))); });
  ASSERT_TRUE(testing::Eventually([&] { return observer_.Count("connect failed 1/3") > 0; }));
  EXPECT_TRUE(pool_->Stats().database_reachable);
  EXPECT_EQ(pool_->Stats().last_sqlstate, "53300");
  held.reset();
  EXPECT_THAT(waiting.get(), IsOk());
}

TEST_F(ConnectionPoolFaultsTest, AServerThatTakesNoSessionAtAllDoesNotServe) {
  database_.FailConnects(SqlFailure("53300"));
  MakePool();
  EXPECT_FALSE(pool_->Acquire(In(seconds(0))).ok());
  auto waiting = std::async(std::launch::async, [&] { return pool_->Acquire(In(seconds(60))); });
  ASSERT_TRUE(testing::Eventually([&] { return observer_.Count("connect failed 1/3") > 0; }));
  EXPECT_FALSE(pool_->Stats().database_reachable);
  EXPECT_NE(pool_->Stats().reachable_since, MonotonicTime{});
  database_.AllowConnects();
  clock_.Advance(seconds(1));
  EXPECT_THAT(waiting.get(), IsOk());
}

}  // namespace
}  // namespace auth::pool
