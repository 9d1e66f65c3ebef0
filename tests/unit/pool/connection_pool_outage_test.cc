// Connects that fail: pace, attempts, breaker, configuration.
#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

class ConnectionPoolOutageTest : public PoolTest {
 protected:
  // Lets time pass in small steps until `span` is over, or `done`.
  void Pass(
      Duration span, const std::function<bool()>& done = [] { return false; },
      Duration step = milliseconds(100)) {
    const MonotonicTime end = In(span);
    while (clock_.Monotonic() < end && !done()) {
      clock_.Advance(std::min(step, end - clock_.Monotonic()));
    }
  }

  int MostConnectsInASecond() const {
    const std::vector<MonotonicTime> times = database_.connect_times();
    long most = 0;
    for (auto begin = times.begin(); begin != times.end(); ++begin) {
      const auto end = std::find_if(begin, times.end(),
                                    [&](MonotonicTime t) { return t >= *begin + seconds(1); });
      most = std::max<long>(most, end - begin);
    }
    return static_cast<int>(most);
  }

  // The connection held longest answers and goes to the waiting caller; then the next one waits.
  void Serve(std::deque<PooledConnection>* held, std::future<Borrowed>* caller) {
    EXPECT_THAT(held->front()->Ping(In(seconds(1))), IsOk());
    held->pop_front();
    Borrowed next = caller->get();
    ASSERT_THAT(next, IsOk());
    held->push_back(*std::move(next));
    *caller = StartWaiting(seconds(100));
  }

  // Fails connects with callers waiting until the breaker opens.
  void OpenBreaker() {
    database_.FailConnects(SqlFailure(""));
    auto caller = StartWaiting(seconds(100));
    Pass(seconds(40), [&] { return observer_.Count("breaker open") > 0; });
    EXPECT_THAT(caller.get(), StatusIs(absl::StatusCode::kUnavailable));
    Pass(seconds(2));  // the probe that the refused caller asked for
  }
};

TEST_F(ConnectionPoolOutageTest, PacesConnectsWhileCallersWait) {
  MakePool();
  database_.FailConnects(SqlFailure("57P03"));
  std::vector<std::future<Borrowed>> callers(20);
  for (auto& caller : callers) caller = StartWaiting(seconds(10));
  Pass(
      seconds(10), [] { return false; }, milliseconds(20));
  for (auto& caller : callers) {
    EXPECT_THAT(caller.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  }
  // Two at first, then one every 0.2 to 0.4 s.
  EXPECT_LE(database_.connects(), 40);
  EXPECT_GE(database_.connects(), 25);
  EXPECT_LE(MostConnectsInASecond(), 5);

  const int connects = database_.connects();
  for (int i = 0; i < 60; ++i) clock_.Advance(seconds(1));
  EXPECT_LE(database_.connects(), connects) << "connects while nobody waits";
}

TEST_F(ConnectionPoolOutageTest, OneConnectAtATimeAfterAFailure) {
  MakePool();
  database_.FailNextConnect(SqlFailure(""));
  auto first = StartWaiting(seconds(10));
  ASSERT_TRUE(Told("connect failed 1/3"));
  database_.HoldConnects();
  auto second = StartWaiting(seconds(10));
  auto third = StartWaiting(seconds(10));
  clock_.Advance(seconds(1));
  clock_.Advance(seconds(1));
  EXPECT_EQ(database_.connects_running(), 1);
  database_.ReleaseConnects(1);
  EXPECT_THAT(first.get(), IsOk());  // given back at once, so the others are served
  EXPECT_THAT(second.get(), IsOk());
  EXPECT_THAT(third.get(), IsOk());
  database_.ReleaseAllConnects();
}

TEST_F(ConnectionPoolOutageTest, NoticesTheReturnWithinTheLongestPause) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(60));
  Pass(seconds(10));
  database_.AllowConnects();
  Pass(milliseconds(401));
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolOutageTest, NewCallerDoesNotShortenThePause) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  auto first = StartWaiting(milliseconds(100));
  ASSERT_TRUE(Told("connect failed 1/3"));
  clock_.Advance(milliseconds(100));
  EXPECT_THAT(first.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  auto second = StartWaiting(seconds(2));
  clock_.Advance(milliseconds(99));
  EXPECT_EQ(database_.connects(), 1);
  clock_.Advance(milliseconds(201));
  EXPECT_TRUE(Told("connect failed 2/3"));
  clock_.Advance(seconds(2));
  EXPECT_THAT(second.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ConnectionPoolOutageTest, StartWithoutCallersBacksOff) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  pool_->Start();
  Pass(seconds(20));
  const std::vector<Duration> delays = observer_.delays();
  ASSERT_GE(delays.size(), 6u);
  EXPECT_LE(delays.size(), 50u);
  for (size_t i = 0; i < delays.size(); ++i) {
    EXPECT_GE(delays[i], milliseconds(200));
    EXPECT_LE(delays[i], i == 0 ? milliseconds(500) : seconds(2));
  }
  // Draws up to 2 s: the chance that 12 stay below 1 s is 1 in 4,000, and there are more or slower.
  EXPECT_GT(*std::max_element(delays.begin(), delays.end()), milliseconds(500));
  database_.AllowConnects();
  Pass(milliseconds(2100));
  EXPECT_EQ(pool_->Stats().idle, 1);
}

TEST_F(ConnectionPoolOutageTest, CallerDuringTheStartsPauseWaitsNoLongerThanOthers) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  pool_->Start();
  Pass(seconds(10));
  const int before = database_.connects();
  auto caller = StartWaiting(seconds(10));
  clock_.Advance(milliseconds(400));
  EXPECT_GT(database_.connects(), before);
  database_.AllowConnects();
  clock_.Advance(milliseconds(400));
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolOutageTest, CountsAttemptsAndRecreatesOnceASeries) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(60));
  Pass(seconds(10), [&] { return observer_.Lines("connect failed").size() >= 7; });
  const std::vector<std::string> failed = observer_.Lines("connect failed");
  EXPECT_THAT(
      std::vector<std::string>(failed.begin(), failed.begin() + 7),
      ::testing::ElementsAre("connect failed 1/3", "connect failed 2/3", "connect failed 3/3",
                             "connect failed 1/3", "connect failed 2/3", "connect failed 3/3",
                             "connect failed 1/3"));
  clock_.Advance(milliseconds(50));
  EXPECT_GE(observer_.Count("recreated connect_failures"), 1);
  EXPECT_LE(observer_.Count("recreated connect_failures"), 2);
  EXPECT_EQ(pool_->Stats().waiters, 1);
  database_.AllowConnects();
  Pass(milliseconds(401));
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolOutageTest, DoesNotRecreateAfterTheDatabaseIsBack) {
  MakePool();
  for (int i = 0; i < 3; ++i) database_.FailNextConnect(SqlFailure(""));
  auto caller = StartWaiting(seconds(60));
  Pass(
      seconds(5), [&] { return observer_.Count("connect failed 2/3") > 0; }, milliseconds(10));
  pool_->InvalidateAll();  // so that the recreation of the third failure must wait a second
  Pass(
      seconds(5), [&] { return observer_.Count("connected") > 0; }, milliseconds(10));
  EXPECT_THAT(caller.get(), IsOk());
  EXPECT_EQ(observer_.Count("connect failed 3/3"), 1);
  const int64_t generation = pool_->Stats().generation;
  clock_.Advance(seconds(2));
  EXPECT_EQ(pool_->Stats().generation, generation);
}

TEST_F(ConnectionPoolOutageTest, ServerThatIsFullDoesNotCostUsOpenConnections) {
  options_.max_connections = 2;
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  database_.FailConnects(SqlFailure("53300"));
  auto caller = StartWaiting(seconds(100));
  Pass(seconds(40));
  EXPECT_EQ(pool_->Stats().generation, 1);
  EXPECT_EQ(pool_->Stats().breaker, BreakerState::kClosed);
  held.reset();
  EXPECT_THAT(caller.get(), IsOk());
}

// What keeps us from connecting may be our own descriptors, our name server, or a full pooler.
TEST_F(ConnectionPoolOutageTest, FailedConnectsCostNoConnectionsThatServe) {
  MakePool();
  std::deque<PooledConnection> held;
  for (int i = 0; i < 5; ++i) held.push_back(Borrow());
  observer_.Clear();
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(100));
  for (int i = 0; i < 50 && pool_->Stats().generation == 1; ++i) {
    Serve(&held, &caller);
    clock_.Advance(milliseconds(200));
  }
  EXPECT_GE(observer_.Count("connect failed 3/3"), 2);
  EXPECT_EQ(observer_.Count("recreated connect_failures"), 0);
  EXPECT_EQ(observer_.Count("reachability changed"), 0);
  EXPECT_EQ(database_.live(), 5);
  database_.AllowConnects();
  Pass(milliseconds(401));
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolOutageTest, FailedConnectsCostConnectionsThatDoNotAnswer) {
  MakePool();
  std::optional<PooledConnection> held = Borrow();
  EXPECT_THAT((*held)->Ping(In(seconds(1))), IsOk());
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(100));
  ASSERT_TRUE(Told("connect failed 1/3"));
  EXPECT_TRUE(pool_->Stats().database_reachable) << "the one that is held may work";
  Pass(seconds(2), [&] { return observer_.Count("connect failed 3/3") > 0; });
  EXPECT_FALSE(pool_->Stats().database_reachable);
  EXPECT_EQ(observer_.Count("recreated connect_failures"), 1);
  database_.AllowConnects();
  held.reset();
  EXPECT_EQ(database_.live(), 0);
  Pass(milliseconds(401));
  EXPECT_THAT(caller.get(), IsOk());
}

TEST_F(ConnectionPoolOutageTest, BreakerOpensWhenPatienceIsOver) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(100));
  Pass(seconds(30) - milliseconds(1));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  EXPECT_EQ(pool_->Stats().breaker, BreakerState::kClosed);
  Pass(milliseconds(801));
  EXPECT_NE(pool_->Stats().breaker, BreakerState::kClosed);
  const Borrowed refused = caller.get();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GE(RetryAfter(refused.status()), milliseconds(200));
  EXPECT_LE(RetryAfter(refused.status()), seconds(1));
  EXPECT_EQ(observer_.Count("acquired unavailable"), 1);
}

TEST_F(ConnectionPoolOutageTest, OpenBreakerRefusesAndProbesOnDemandOnly) {
  MakePool();
  OpenBreaker();
  const int before = database_.connects();
  for (int i = 0; i < 100; ++i) clock_.Advance(seconds(1));
  EXPECT_EQ(database_.connects(), before) << "an open breaker probes without demand";

  database_.HoldConnects();
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(pool_->Acquire(In(seconds(10))), StatusIs(absl::StatusCode::kUnavailable));
    clock_.Advance(milliseconds(500));
  }
  EXPECT_EQ(database_.connects(), before + 1) << "one probe at a time";
  EXPECT_EQ(pool_->Stats().breaker, BreakerState::kHalfOpen);

  database_.AllowConnects();
  database_.ReleaseAllConnects();
  EXPECT_TRUE(Told("breaker closed"));
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().idle == 1; }));
  EXPECT_THAT(pool_->Acquire(In(seconds(1))), IsOk());
}

TEST_F(ConnectionPoolOutageTest, FailedProbesKeepThePace) {
  MakePool();
  OpenBreaker();
  const int before = database_.connects();
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(pool_->Acquire(In(seconds(10))), StatusIs(absl::StatusCode::kUnavailable));
    clock_.Advance(milliseconds(50));
  }
  EXPECT_GE(database_.connects() - before, 20);
  EXPECT_LE(database_.connects() - before, 40);
  EXPECT_LE(MostConnectsInASecond(), 5);
}

TEST_F(ConnectionPoolOutageTest, OpenBreakerStillLendsAnIdleConnection) {
  MakePool();
  std::deque<PooledConnection> held;
  held.push_back(Borrow());
  database_.FailConnects(SqlFailure(""));
  auto caller = StartWaiting(seconds(100));
  for (int i = 0; i < 200 && observer_.Count("breaker open") == 0; ++i) {
    Serve(&held, &caller);
    clock_.Advance(milliseconds(200));
  }
  EXPECT_THAT(caller.get(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(pool_->Acquire(In(seconds(10))), StatusIs(absl::StatusCode::kUnavailable));
  held.clear();
  EXPECT_THAT(pool_->Acquire(In(seconds(10))), IsOk());
}

TEST_F(ConnectionPoolOutageTest, StartGoesOnWhileTheBreakerIsOpen) {
  MakePool();
  database_.FailConnects(SqlFailure(""));
  pool_->Start();
  Pass(seconds(60), [&] { return observer_.Count("breaker open") > 0; });
  database_.AllowConnects();
  Pass(milliseconds(2100));
  EXPECT_EQ(pool_->Stats().idle, 1);
  EXPECT_EQ(pool_->Stats().breaker, BreakerState::kClosed);
}

TEST_F(ConnectionPoolOutageTest, RefusedConfigurationAnswersAtOnceBeforeTheFirstSuccess) {
  MakePool();
  database_.FailConnects(SqlFailure("28P01"));
  auto waiting = StartBorrow(seconds(10));
  const Borrowed refused = waiting.get();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_TRUE(GetSqlError(refused.status()).has_value());
  EXPECT_EQ(GetSqlError(refused.status())->sqlstate, "28P01");
  EXPECT_THAT(pool_->Acquire(In(seconds(10))), StatusIs(absl::StatusCode::kFailedPrecondition));

  database_.AllowConnects();
  Pass(milliseconds(401));
  EXPECT_THAT(pool_->Acquire(In(seconds(10))), IsOk());
}

TEST_F(ConnectionPoolOutageTest, RefusedConfigurationAfterASuccessIsAFailureLikeOthers) {
  MakePool();
  Borrow().Discard(SqlFailure("26000"));
  database_.FailConnects(SqlFailure("28P01"));
  auto caller = StartWaiting(seconds(20));
  Pass(seconds(5));
  EXPECT_EQ(pool_->Stats().waiters, 1);
  database_.AllowConnects();
  Pass(milliseconds(401));
  EXPECT_THAT(caller.get(), IsOk());
}

}  // namespace
}  // namespace auth::pool
