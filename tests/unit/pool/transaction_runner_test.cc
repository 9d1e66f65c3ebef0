#include "pool/transaction_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/connection_pool.h"
#include "pool/retry_after.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_connection.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Call;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

constexpr Statement kWrite = {"write", "INSERT INTO t VALUES ($1)"};
constexpr Statement kMore = {"more", "INSERT INTO u VALUES ($1)"};

// "idempotent lost" for an attempt, "replayed" or "unknown" for the end of a doubt.
class AttemptRecorder final : public PoolObserver {
 public:
  void OnAttempt(Effect effect, std::string_view fault) override {
    static constexpr const char* kNames[] = {"read_only", "idempotent", "once"};
    Add(absl::StrCat(kNames[static_cast<int>(effect)], " ",
                     fault.empty() ? "ok" : std::string(fault)));
  }
  void OnInDoubt(std::string_view resolution) override { Add(std::string(resolution)); }

  std::vector<std::string> lines() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  void Add(std::string line) {
    MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }

  mutable Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// The runner's view of the time: whoever waits finds that the time has passed.
class JumpingClock final : public Clock {
 public:
  JumpingClock(testing::FakeClock* clock, std::function<void(Duration)> on_wait)
      : clock_(clock), on_wait_(std::move(on_wait)) {}

  WallTime Now() const override { return clock_->Now(); }
  MonotonicTime Monotonic() const override { return clock_->Monotonic(); }
  void WaitUntil(MonotonicTime deadline, CondVar*, Mutex*) const override {
    const Duration wait = deadline - clock_->Monotonic();
    on_wait_(wait);
    clock_->Advance(wait);
  }

 private:
  testing::FakeClock* const clock_;
  const std::function<void(Duration)> on_wait_;
};

class TransactionRunnerTest : public ::testing::Test {
 protected:
  MonotonicTime In(Duration time) const { return clock_.Monotonic() + time; }

  // One statement with the run's deadline.
  absl::Status RunWrite(Effect effect) {
    const MonotonicTime deadline = In(seconds(20));
    return runner_.Run(effect, deadline, [&](Connection& connection) {
      return connection.Execute(deadline, kWrite, {}).status();
    });
  }
  absl::Status RunWriteInTransaction(Effect effect) {
    const MonotonicTime deadline = In(seconds(20));
    return runner_.RunInTransaction(effect, deadline, [&](Connection& connection) {
      return connection.Execute(deadline, kWrite, {}).status();
    });
  }

  bool Closed(int session) {
    return testing::Eventually([&] { return database_.session(session).closed(); });
  }

  testing::FakeClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  AttemptRecorder observer_;
  ConnectionPool pool_{PoolOptions(), database_.MakeFactory(), &clock_, &observer_};
  // The runner's waits between replays, and whether it held a connection in one of them.
  std::vector<Duration> waits_;
  bool held_while_waiting_ = false;
  JumpingClock runner_clock_{&clock_, [this](Duration wait) {
                               waits_.push_back(wait);
                               if (pool_.Stats().in_use > 0) held_while_waiting_ = true;
                             }};
  TransactionRunner runner_{&pool_, &runner_clock_, &observer_};
};

// --- Success -------------------------------------------------------------------------------------

TEST_F(TransactionRunnerTest, SendsNothingButTheStatement) {
  EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
  EXPECT_THAT(RunWrite(Effect::kReadOnly), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 EXECUTE write", "0 EXECUTE write"));
  EXPECT_THAT(observer_.lines(), ElementsAre("once ok", "read_only ok"));
}

TEST_F(TransactionRunnerTest, SurroundsATransactionWithBeginAndCommit) {
  EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN", "0 EXECUTE write", "0 COMMIT"));
}

// --- Losses --------------------------------------------------------------------------------------

class LossTest : public TransactionRunnerTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(LossTest, AReadIsReplayedAtOnceOnAnotherConnection) {
  database_.Queue(Call::kExecute, SqlFailure(GetParam()));
  EXPECT_THAT(RunWrite(Effect::kReadOnly), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 EXECUTE write", "1 EXECUTE write"));
  EXPECT_TRUE(Closed(0));
  EXPECT_THAT(observer_.lines(), ElementsAre("read_only lost", "read_only ok"));
}

TEST_P(LossTest, AnIdempotentWriteIsReplayed) {
  database_.Queue(Call::kExecute, SqlFailure(GetParam()));
  EXPECT_THAT(RunWrite(Effect::kIdempotent), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 EXECUTE write", "1 EXECUTE write"));
}

TEST_P(LossTest, AnyTransactionIsReplayedIfItsCommitWasNotSent) {
  for (const Call lost : {Call::kBegin, Call::kExecute}) {
    database_.Queue(lost, SqlFailure(GetParam()));
    EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
  }
  EXPECT_EQ(database_.calls(Call::kCommit), 2);
  EXPECT_THAT(observer_.lines(),
              ElementsAre("once lost", "once ok", "once lost", "once ok"));  // no doubt
}

INSTANTIATE_TEST_SUITE_P(All, LossTest,
                         ::testing::Values("", "08006", "08P01", "57P01", "57P02", "57P05",
                                           "25P03"));

TEST_F(TransactionRunnerTest, ALostIdempotentWriteWasInDoubtUntilItsReplayDecided) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  EXPECT_THAT(RunWrite(Effect::kIdempotent), IsOk());
  EXPECT_THAT(observer_.lines(), ElementsAre("idempotent lost", "idempotent ok", "replayed"));
}

TEST_F(TransactionRunnerTest, ALostCommitIsReplayedIfThatConverges) {
  database_.Queue(Call::kCommit, SqlFailure("57P01"));
  EXPECT_THAT(RunWriteInTransaction(Effect::kIdempotent), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN", "0 EXECUTE write", "0 COMMIT", "1 BEGIN",
                                           "1 EXECUTE write", "1 COMMIT"));
  EXPECT_THAT(observer_.lines(), ElementsAre("idempotent lost", "idempotent ok", "replayed"));
}

TEST_F(TransactionRunnerTest, ALostWriteThatMustHappenOnceIsNeverRepeated) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  const absl::Status autocommit = RunWrite(Effect::kOnce);
  EXPECT_THAT(autocommit, StatusIs(absl::StatusCode::kUnknown));
  EXPECT_TRUE(OutcomeUnknown(autocommit));
  EXPECT_EQ(database_.calls(Call::kExecute), 1);

  database_.Queue(Call::kCommit, SqlFailure(""));
  const absl::Status commit = RunWriteInTransaction(Effect::kOnce);
  EXPECT_TRUE(OutcomeUnknown(commit)) << commit;
  EXPECT_EQ(database_.calls(Call::kCommit), 1);
  EXPECT_THAT(observer_.lines(), ElementsAre("once lost", "unknown", "once lost", "unknown"));
}

// The server ends an idle session before it reads the statement.
TEST_F(TransactionRunnerTest, AWriteThatMetAnIdleTimeoutWasNotDone) {
  database_.Queue(Call::kExecute, SqlFailure("57P05"));
  EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
  database_.Queue(Call::kCommit, SqlFailure("25P03"));
  EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
}

TEST_F(TransactionRunnerTest, AHalfDoneSequenceThatMustHappenOnceIsNotRepeated) {
  int sent = 0;
  for (const char* const sqlstate : {"40001", "57014", "53200"}) {
    database_.Queue(Call::kExecute, absl::OkStatus());
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    const MonotonicTime deadline = In(seconds(20));
    const absl::Status status =
        runner_.Run(Effect::kOnce, deadline, [&](Connection& connection) -> absl::Status {
          absl::Status first = connection.Execute(deadline, kWrite, {}).status();
          return first.ok() ? connection.Execute(deadline, kMore, {}).status() : first;
        });
    EXPECT_TRUE(OutcomeUnknown(status)) << status;
    EXPECT_EQ(database_.calls(Call::kExecute), sent += 2);
  }
}

TEST_F(TransactionRunnerTest, ALossThatTheBodyHidesStillEndsTheConnection) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  const MonotonicTime deadline = In(seconds(20));
  EXPECT_THAT(runner_.Run(Effect::kReadOnly, deadline,
                          [&](Connection& connection) {
                            connection.Execute(deadline, kWrite, {}).IgnoreError();
                            return absl::OkStatus();
                          }),
              IsOk());
  EXPECT_TRUE(Closed(0));
}

TEST_F(TransactionRunnerTest, WaitsLongerAndLongerAndHoldsNoConnectionMeanwhile) {
  constexpr int kRuns = 20;
  const Duration longest[] = {milliseconds(500), seconds(1), seconds(2), seconds(2)};
  std::vector<Duration> all;
  for (int run = 0; run < kRuns; ++run) {
    waits_.clear();
    for (int i = 0; i < 5; ++i) database_.Queue(Call::kExecute, SqlFailure(""));
    const MonotonicTime deadline = In(seconds(3600));
    EXPECT_THAT(runner_.Run(Effect::kReadOnly, deadline,
                            [&](Connection& connection) {
                              return connection.Execute(deadline, kWrite, {}).status();
                            }),
                IsOk());
    ASSERT_EQ(waits_.size(), 4u);  // none before the first replay
    for (size_t i = 0; i < waits_.size(); ++i) EXPECT_LE(waits_[i], longest[i]) << i;
    all.push_back(waits_.back());
  }
  EXPECT_FALSE(held_while_waiting_);
  // Full jitter: from next to nothing to the whole. Each fails once in 10^8 runs of this test.
  EXPECT_LT(*std::min_element(all.begin(), all.end()), milliseconds(1200));
  EXPECT_GT(*std::max_element(all.begin(), all.end()), milliseconds(800));
}

// --- Server errors -------------------------------------------------------------------------------

TEST_F(TransactionRunnerTest, ACollisionIsRolledBackAndReplayedOnTheSameConnection) {
  for (const char* sqlstate : {"40001", "40P01"}) {
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
  }
  const std::vector<std::string> once = {"0 BEGIN", "0 EXECUTE write", "0 ROLLBACK",
                                         "0 BEGIN", "0 EXECUTE write", "0 COMMIT"};
  std::vector<std::string> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(database_.log(), twice);
}

TEST_F(TransactionRunnerTest, OnlyACollisionWaitsBeforeTheFirstReplay) {
  database_.Queue(Call::kExecute, SqlFailure("55P03"));
  EXPECT_THAT(RunWrite(Effect::kReadOnly), IsOk());
  EXPECT_THAT(waits_, IsEmpty());
  database_.Queue(Call::kExecute, SqlFailure("40001"));
  EXPECT_THAT(RunWrite(Effect::kReadOnly), IsOk());
  ASSERT_EQ(waits_.size(), 1u);
  EXPECT_LE(waits_[0], milliseconds(500));
}

TEST_F(TransactionRunnerTest, ACollisionAtCommitIsReplayedWithoutRollback) {
  database_.Queue(Call::kCommit, SqlFailure("40001"));
  EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
  EXPECT_EQ(database_.calls(Call::kRollback), 0);
  EXPECT_EQ(database_.calls(Call::kCommit), 2);
}

TEST_F(TransactionRunnerTest, ACommitAnsweredByRollbackIsReplayed) {
  database_.Queue(Call::kCommit, SqlFailure(SqlFault::kSerialization));
  EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
}

TEST_F(TransactionRunnerTest, ACommitAnsweredByRollbackForAHiddenFailureReportsThat) {
  database_.Queue(Call::kExecute, SqlFailure("23505"));
  database_.Queue(Call::kCommit, SqlFailure(SqlFault::kSerialization));
  const MonotonicTime deadline = In(seconds(20));
  const absl::Status status =
      runner_.RunInTransaction(Effect::kIdempotent, deadline, [&](Connection& connection) {
        connection.Execute(deadline, kWrite, {}).IgnoreError();
        return absl::OkStatus();
      });
  ASSERT_TRUE(GetSqlError(status).has_value()) << status;
  EXPECT_EQ(GetSqlError(status)->sqlstate, "23505");
  EXPECT_EQ(database_.calls(Call::kExecute), 1);
}

TEST_F(TransactionRunnerTest, AServerThatTurnedReadOnlyIsLeftForAnother) {
  EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
  clock_.Advance(seconds(1));  // or the next connect would keep its distance from the first
  database_.Queue(Call::kExecute, SqlFailure("25006"));
  EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
  EXPECT_THAT(database_.log(),
              ElementsAre("0 EXECUTE write", "0 EXECUTE write", "1 EXECUTE write"));
  EXPECT_TRUE(Closed(0));
}

TEST_F(TransactionRunnerTest, AStaleStatementIsReplayedOnceOnANewConnection) {
  for (const char* sqlstate : {"26000", "42P05", "0A000"}) {
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
  }
  EXPECT_EQ(database_.session_count(), 4);
  EXPECT_EQ(database_.calls(Call::kExecute), 6);
}

TEST_F(TransactionRunnerTest, AStatementThatStaysStaleIsAPermanentError) {
  database_.Queue(Call::kExecute, SqlFailure("0A000"));
  database_.Queue(Call::kExecute, SqlFailure("0A000"));
  const absl::Status status = RunWrite(Effect::kReadOnly);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(GetSqlError(status)->sqlstate, "0A000");
  EXPECT_EQ(database_.calls(Call::kExecute), 2);
}

TEST_F(TransactionRunnerTest, AServerOutOfResourcesIsLeftAloneForAWhile) {
  for (const char* sqlstate : {"53100", "53200", "53300"}) {
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    const absl::Status status = RunWrite(Effect::kIdempotent);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_GT(RetryAfter(status), Duration::zero());
    EXPECT_EQ(GetSqlError(status)->sqlstate, sqlstate);
  }
  EXPECT_EQ(database_.calls(Call::kExecute), 3);
  EXPECT_FALSE(database_.session(0).closed());
}

TEST_F(TransactionRunnerTest, ACancelledStatementIsUnavailable) {
  database_.Queue(Call::kExecute, SqlFailure("57014"));
  const absl::Status status = RunWriteInTransaction(Effect::kIdempotent);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GT(RetryAfter(status), Duration::zero());
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN", "0 EXECUTE write", "0 ROLLBACK"));
}

TEST_F(TransactionRunnerTest, ALockedRowIsTriedAgain) {
  for (int i = 0; i < 3; ++i) database_.Queue(Call::kExecute, SqlFailure("55P03"));
  EXPECT_THAT(RunWriteInTransaction(Effect::kOnce), IsOk());
  EXPECT_EQ(database_.calls(Call::kRollback), 3);
  EXPECT_EQ(database_.session_count(), 1);
}

TEST_F(TransactionRunnerTest, ALockBehindOurOwnLostWriteLeavesTheOutcomeUnknown) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  database_.Queue(Call::kExecute, SqlFailure("55P03"));
  const absl::Status status = RunWrite(Effect::kIdempotent);
  EXPECT_TRUE(OutcomeUnknown(status)) << status;
  EXPECT_THAT(observer_.lines(),
              ElementsAre("idempotent lost", "idempotent lock_timeout", "unknown"));
}

TEST_F(TransactionRunnerTest, ALockBehindOurOwnLostReadIsTriedAgain) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  database_.Queue(Call::kExecute, SqlFailure("55P03"));
  EXPECT_THAT(RunWrite(Effect::kReadOnly), IsOk());
}

TEST_F(TransactionRunnerTest, NoErrorOfAReplayHidesThatTheWriteIsInDoubt) {
  for (const char* sqlstate : {"57014", "53200", "42P01"}) {
    database_.Queue(Call::kExecute, SqlFailure(""));
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    const absl::Status status = RunWrite(Effect::kIdempotent);
    EXPECT_TRUE(OutcomeUnknown(status)) << sqlstate << ": " << status;
  }
}

TEST_F(TransactionRunnerTest, PermanentErrorsAreFinalAndTheConnectionStays) {
  for (const char* sqlstate : {"22001", "23505", "42601"}) {
    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    const absl::Status autocommit = RunWrite(Effect::kIdempotent);
    ASSERT_TRUE(GetSqlError(autocommit).has_value());
    EXPECT_EQ(GetSqlError(autocommit)->sqlstate, sqlstate);

    database_.Queue(Call::kExecute, SqlFailure(sqlstate));
    EXPECT_EQ(GetSqlError(RunWriteInTransaction(Effect::kIdempotent))->sqlstate, sqlstate);
  }
  EXPECT_EQ(database_.calls(Call::kExecute), 6);
  EXPECT_EQ(database_.calls(Call::kRollback), 3);
  EXPECT_EQ(database_.session_count(), 1);
  EXPECT_THAT(RunWrite(Effect::kOnce), IsOk());
}

TEST_F(TransactionRunnerTest, TheBodysOwnErrorIsFinalAndRollsBack) {
  const absl::Status taken = absl::AlreadyExistsError("taken");
  const MonotonicTime deadline = In(seconds(20));
  EXPECT_EQ(
      runner_.RunInTransaction(Effect::kIdempotent, deadline, [&](Connection&) { return taken; }),
      taken);
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN", "0 ROLLBACK"));
}

TEST_F(TransactionRunnerTest, TheBodysOwnErrorInAReplayDecides) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  const MonotonicTime deadline = In(seconds(20));
  const absl::Status status =
      runner_.Run(Effect::kIdempotent, deadline, [&](Connection& connection) {
        const absl::Status written = connection.Execute(deadline, kWrite, {}).status();
        return written.ok() ? absl::AlreadyExistsError("taken") : written;
      });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(observer_.lines(), ElementsAre("idempotent lost", "idempotent ok", "replayed"));
}

TEST_F(TransactionRunnerTest, AConnectionWhoseUserThrowsIsClosed) {
  const MonotonicTime deadline = In(seconds(20));
  EXPECT_THROW(
      (void)runner_.RunInTransaction(Effect::kIdempotent, deadline,
                                     [&](Connection&) -> absl::Status { throw std::bad_alloc(); }),
      std::bad_alloc);
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN"));
  EXPECT_TRUE(Closed(0));
}

TEST_F(TransactionRunnerTest, AConnectionWhoseRollbackFailsIsClosed) {
  database_.Queue(Call::kExecute, SqlFailure("23505"));
  database_.Queue(Call::kRollback, SqlFailure(""));
  EXPECT_EQ(GetSqlError(RunWriteInTransaction(Effect::kOnce))->sqlstate, "23505");
  EXPECT_TRUE(Closed(0));
}

// --- Deadlines -----------------------------------------------------------------------------------

TEST_F(TransactionRunnerTest, ACutStatementIsNotReplayed) {
  for (const Effect effect : {Effect::kReadOnly, Effect::kIdempotent, Effect::kOnce}) {
    database_.Queue(Call::kExecute, SqlFailure(SqlFault::kDeadline));
    EXPECT_THAT(RunWrite(effect), StatusIs(absl::StatusCode::kDeadlineExceeded));
  }
  EXPECT_EQ(database_.calls(Call::kExecute), 3);
  EXPECT_EQ(database_.session_count(), 3);  // each was closed
  EXPECT_THAT(observer_.lines(), ElementsAre("read_only deadline", "idempotent deadline", "unknown",
                                             "once deadline", "unknown"));
}

TEST_F(TransactionRunnerTest, ReplaysEndAtTheDeadline) {
  database_.OnExecute(
      [](MonotonicTime, const Statement&, const Params&) { return SqlFailure(""); });
  const MonotonicTime begin = clock_.Monotonic();
  const MonotonicTime deadline = begin + seconds(5);
  const absl::Status status = runner_.Run(
      Effect::kIdempotent, deadline,
      [&](Connection& connection) { return connection.Execute(deadline, kWrite, {}).status(); });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(OutcomeUnknown(status));
  EXPECT_EQ(clock_.Monotonic(), deadline) << "neither given up early nor waited beyond it";
  EXPECT_GE(database_.calls(Call::kExecute), 4);
  EXPECT_LT(database_.calls(Call::kExecute), 40);
}

TEST_F(TransactionRunnerTest, WhatComesAfterTheDeadlineIsNotSentAndTheConnectionStays) {
  const MonotonicTime deadline = In(seconds(1));
  database_.OnExecute([&](MonotonicTime, const Statement&, const Params&) {
    clock_.Advance(seconds(2));
    return QueryResult();
  });
  const auto body = [&](Connection& connection) {
    const absl::Status first = connection.Execute(deadline, kWrite, {}).status();
    return first.ok() ? connection.Execute(deadline, kMore, {}).status() : first;
  };
  EXPECT_THAT(runner_.RunInTransaction(Effect::kOnce, deadline, body),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(database_.log(), ElementsAre("0 BEGIN", "0 EXECUTE write", "0 ROLLBACK"));
  EXPECT_EQ(pool_.Stats().idle, 1);
}

TEST_F(TransactionRunnerTest, AFailureAfterTheDeadlineIsTheDeadlines) {
  const MonotonicTime deadline = In(seconds(1));
  database_.OnExecute([&](MonotonicTime, const Statement&, const Params&) {
    clock_.Advance(seconds(2));
    return SqlFailure("57014");
  });
  EXPECT_THAT(runner_.Run(Effect::kReadOnly, deadline,
                          [&](Connection& connection) {
                            return connection.Execute(deadline, kWrite, {}).status();
                          }),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

// --- The pool's refusals -------------------------------------------------------------------------

TEST_F(TransactionRunnerTest, RefusalsOfThePoolPassThrough) {
  database_.FailConnects(SqlFailure("28P01"));
  const absl::Status status = RunWrite(Effect::kIdempotent);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(GetSqlError(status)->sqlstate, "28P01");
  EXPECT_THAT(observer_.lines(), IsEmpty());
}

TEST_F(TransactionRunnerTest, ADrainLeavesALostWriteUnknownAndEndsALostReadPlainly) {
  database_.OnExecute(
      [](MonotonicTime, const Statement&, const Params&) { return SqlFailure(""); });
  const MonotonicTime deadline = In(seconds(20));
  const auto body = [&](Connection& connection) {
    const absl::Status status = connection.Execute(deadline, kWrite, {}).status();
    pool_.Drain(clock_.Monotonic()).IgnoreError();  // refuses every borrow from now on
    return status;
  };
  const absl::Status write = runner_.Run(Effect::kIdempotent, deadline, body);
  EXPECT_TRUE(OutcomeUnknown(write)) << write;
  EXPECT_THAT(runner_.Run(Effect::kIdempotent, deadline, body),
              StatusIs(absl::StatusCode::kCancelled));
}

// --- Under load ----------------------------------------------------------------------------------

TEST(TransactionRunnerStressTest, NobodySeesALossWhileSessionsDieAtRandom) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  const RealClock clock;
  testing::ScriptedDatabase database(&clock);
  database.DisableLog();
  AttemptRecorder observer;
  PoolOptions options;
  options.max_connections = 4;
  ConnectionPool pool(options, database.MakeFactory(), &clock, &observer);
  const TransactionRunner runner(&pool, &clock, &observer);

  std::atomic<bool> done = false;
  std::thread killer([&] {
    std::minstd_rand random(seed);
    testing::Eventually([&] {
      database.ForEachLiveSession([&](testing::ScriptedSession& session) {
        if (random() % 8 == 0) session.KillUnnoticed();
      });
      return done.load();
    });
  });
  std::vector<std::future<int>> callers;
  for (int t = 0; t < 8; ++t) {
    callers.push_back(std::async(std::launch::async, [&, t] {
      int failed = 0;
      // On a fast machine 400 runs are over before the killer has struck.
      for (int i = 0; i < 400 || database.session_count() <= 10; ++i) {
        const MonotonicTime deadline = clock.Monotonic() + seconds(30);
        const auto body = [&](Connection& connection) {
          return connection.Execute(deadline, kWrite, {}).status();
        };
        const Effect effect = t % 2 == 0 ? Effect::kReadOnly : Effect::kIdempotent;
        const absl::Status status = t % 4 < 2 ? runner.Run(effect, deadline, body)
                                              : runner.RunInTransaction(effect, deadline, body);
        if (!status.ok()) ++failed;
      }
      return failed;
    }));
  }
  int failed = 0;
  for (std::future<int>& caller : callers) failed += caller.get();
  done = true;
  killer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(database.overlaps(), 0);
  EXPECT_GT(database.session_count(), 10) << "the killer never struck";
}

}  // namespace
}  // namespace auth::pool
