// What TransactionRunner makes of the server's errors, and of those of its own caller.
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "pool/retry_after.h"
#include "tests/unit/pool/transaction_runner_fixture.h"

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
  absl::Status taken = absl::AlreadyExistsError("taken");
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

}  // namespace
}  // namespace auth::pool
