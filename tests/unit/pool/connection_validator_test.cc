#include "pool/connection_validator.h"

#include <chrono>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Call;
using testing::IsOk;
using testing::SqlFailure;
using testing::StatusIs;

// What a borrow does to find out whether a connection lives, seen from outside of the pool.
class ConnectionValidatorTest : public PoolTest {
 protected:
  void BorrowAndReturn() { const PooledConnection connection = Borrow(); }
};

TEST_F(ConnectionValidatorTest, LooksAtAFreshConnectionWithoutARoundTrip) {
  MakePoolWithIdle(1);
  const int peeks = database_.peeks();
  for (int i = 0; i < 5; ++i) BorrowAndReturn();
  EXPECT_EQ(database_.peeks() - peeks, 5);
  EXPECT_EQ(database_.calls(Call::kPing), 0);
}

TEST_F(ConnectionValidatorTest, PingsAConnectionThatWasIdleForLong) {
  MakePoolWithIdle(1);
  clock_.Advance(options_.validate_after_idle);
  BorrowAndReturn();
  EXPECT_EQ(database_.calls(Call::kPing), 0);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  BorrowAndReturn();
  EXPECT_EQ(database_.calls(Call::kPing), 1);
  BorrowAndReturn();
  EXPECT_EQ(database_.calls(Call::kPing), 1);
  EXPECT_EQ(observer_.Count("alive ping"), 1);
}

TEST_F(ConnectionValidatorTest, PingsAConnectionThatHasSomethingToRead) {
  MakePoolWithIdle(1);
  database_.session(0).SetSocket(SocketState::kReadable);
  BorrowAndReturn();
  EXPECT_EQ(database_.session(0).calls(Call::kPing), 1);
  EXPECT_EQ(database_.session_count(), 1);
}

// The clock stands still: a wait would have no end.
TEST_F(ConnectionValidatorTest, DiscardsTenDeadConnectionsInOneBorrowWithoutWaiting) {
  MakePoolWithIdle(10);
  for (int i = 0; i < 10; ++i) database_.session(i).Kill();
  BorrowAndReturn();
  // By the borrower, and by the maintainer, which the first of them woke.
  EXPECT_TRUE(Eventually([&] { return observer_.Count("retired closed_by_server") == 10; }));
  EXPECT_EQ(observer_.Count("acquired ok"), 11);
  EXPECT_EQ(database_.calls(Call::kPing), 0);
  EXPECT_EQ(database_.connects(), 11);
}

TEST_F(ConnectionValidatorTest, TakesTheNextLivingConnection) {
  MakePoolWithIdle(3);
  database_.session(2).Kill();
  database_.session(1).Kill();
  BorrowAndReturn();
  EXPECT_EQ(database_.connects(), 3);
  EXPECT_EQ(pool_->Stats().idle, 1);
}

TEST_F(ConnectionValidatorTest, BoundsThePingAndGoesOnToTheNext) {
  MakePoolWithIdle(2);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  MonotonicTime bound;
  database_.session(1).On(Call::kPing, [&](MonotonicTime deadline) {
    bound = deadline;
    return SqlFailure(SqlFault::kDeadline);
  });
  const MonotonicTime limit = In(options_.ping_timeout);
  BorrowAndReturn();
  EXPECT_EQ(bound, limit);
  EXPECT_EQ(observer_.Count("retired ping_timeout"), 1);
  EXPECT_EQ(observer_.Count("dead ping"), 1);
  EXPECT_EQ(database_.session(0).calls(Call::kPing), 1);
  EXPECT_TRUE(database_.session(1).closed());
}

TEST_F(ConnectionValidatorTest, NeverPingsPastTheCallersDeadline) {
  MakePoolWithIdle(1);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  MonotonicTime bound;
  database_.session(0).On(Call::kPing, [&](MonotonicTime deadline) {
    bound = deadline;
    return absl::OkStatus();
  });
  const MonotonicTime deadline = In(milliseconds(50));
  EXPECT_THAT(pool_->Acquire(deadline), IsOk());
  EXPECT_EQ(bound, deadline);
}

TEST_F(ConnectionValidatorTest, DoesNotLendWhatBecameObsoleteMeanwhile) {
  MakePoolWithIdle(1);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  database_.session(0).On(Call::kPing, [&](MonotonicTime) {
    pool_->InvalidateAll();
    return absl::OkStatus();
  });
  BorrowAndReturn();
  EXPECT_TRUE(database_.session(0).closed());
  EXPECT_EQ(database_.session_count(), 2);
}

TEST_F(ConnectionValidatorTest, TwoPingsWithoutAnswerRecreateThePool) {
  MakePoolWithIdle(10);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  for (int i = 0; i < 10; ++i) {
    database_.session(i).On(Call::kPing,
                            [](MonotonicTime) { return SqlFailure(SqlFault::kDeadline); });
  }
  BorrowAndReturn();
  EXPECT_EQ(observer_.Count("retired ping_timeout"), 2);
  EXPECT_EQ(observer_.Count("recreated repeated_loss"), 1);
  // One of them may be in the hands of the maintainer, which looks at what is suspect.
  EXPECT_TRUE(Eventually([&] { return observer_.Count("retired stale_generation") == 8; }));
}

TEST_F(ConnectionValidatorTest, PingThatFindsALossMakesTheOthersSuspect) {
  MakePoolWithIdle(3);
  clock_.Advance(options_.validate_after_idle + milliseconds(1));
  PooledConnection fresh = Borrow();  // session 2, pinged
  database_.session(1).Queue(Call::kPing, SqlFailure("08006"));
  BorrowAndReturn();
  EXPECT_EQ(observer_.Count("retired closed_by_server"), 1);
  EXPECT_EQ(database_.session(0).calls(Call::kPing), 1);
}

}  // namespace
}  // namespace auth::pool
