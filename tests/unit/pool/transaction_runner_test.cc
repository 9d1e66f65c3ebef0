#include "pool/transaction_runner.h"

#include <chrono>

#include "tests/unit/pool/transaction_runner_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::seconds;
using testing::Call;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

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

TEST_F(TransactionRunnerTest, LabelsWhatRunsOutsideOfATransactionAndItsReplay) {
  database_.Queue(Call::kExecute, SqlFailure(""));
  const MonotonicTime deadline = In(seconds(20));
  const auto body = [&](Connection& connection) -> absl::Status {
    absl::Status status = connection.Execute(deadline, kWrite, {}).status();
    if (status.ok()) status = connection.Begin(deadline);
    if (status.ok()) status = connection.Execute(deadline, kMore, {}).status();
    return status.ok() ? connection.Commit(deadline) : status;
  };
  EXPECT_THAT(runner_.Run(Effect::kIdempotent, deadline, body, "trace=1"), IsOk());
  EXPECT_THAT(database_.log(), ElementsAre("0 EXECUTE write trace=1", "1 EXECUTE write trace=1",
                                           "1 BEGIN", "1 EXECUTE more", "1 COMMIT"));
  EXPECT_THAT(observer_.lines(), ElementsAre("idempotent lost", "idempotent ok", "replayed"));
}

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
    absl::Status status = connection.Execute(deadline, kWrite, {}).status();
    pool_.Drain(clock_.Monotonic()).IgnoreError();  // refuses every borrow from now on
    return status;
  };
  const absl::Status write = runner_.Run(Effect::kIdempotent, deadline, body);
  EXPECT_TRUE(OutcomeUnknown(write)) << write;
  EXPECT_THAT(runner_.Run(Effect::kIdempotent, deadline, body),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace auth::pool
