// What TransactionRunner makes of a lost connection.
#include <algorithm>
#include <chrono>
#include <vector>

#include "tests/unit/pool/transaction_runner_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Call;
using ::testing::ElementsAre;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

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

}  // namespace
}  // namespace auth::pool
