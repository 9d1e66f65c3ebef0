// TransactionRunner and the end of a call's time.
#include <chrono>

#include "tests/unit/pool/transaction_runner_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::seconds;
using testing::Call;
using ::testing::ElementsAre;
using testing::SqlFailure;
using testing::StatusIs;

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

}  // namespace
}  // namespace auth::pool
