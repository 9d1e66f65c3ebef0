#include "pool/pqxx_connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/pool/connect_fixture.h"

namespace auth::pool {
namespace {

constexpr Statement kEcho = {"echo", "SELECT $1::text, $2::text, $3::bytea, $4::bigint"};
constexpr Statement kInsert = {"insert",
                               "INSERT INTO t (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
constexpr Statement kInsertPlain = {"insert_plain", "INSERT INTO t (id, name) VALUES ($1, $2)"};
constexpr Statement kCount = {"count", "SELECT count(*) FROM t"};
constexpr Statement kSleep = {"sleep", "SELECT pg_sleep($1::float8)"};
constexpr Statement kWriteInTime = {
    "write_in_time", "INSERT INTO t SELECT $1, $2 WHERE clock_timestamp() < $3::timestamptz"};

std::string ToTimestamp(WallTime time) {
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  char text[64];
  const std::time_t whole = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm utc{};
  gmtime_r(&whole, &utc);
  const size_t length = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
  return std::string(text, length) + "." +
         std::to_string(1'000'000 + microseconds % 1'000'000).substr(1) + "+00";
}

class PqxxConnectionTest : public ConnectFixture {
 protected:
  void SetUp() override {
    url_ = postgres().CreateDatabase();
    factory_ = MakeFactory(url_);
    ASSERT_NE(factory_, nullptr);
    connection_ = Connect(factory_.get());
    ASSERT_NE(connection_, nullptr);
    ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)),
                                           "CREATE TABLE t (id int CONSTRAINT t_id PRIMARY KEY, "
                                           "name text); CREATE TABLE u (id int REFERENCES t)"),
                IsOk());
  }

  absl::StatusOr<QueryResult> Execute(const Statement& statement, const Params& params = {}) {
    return connection_->Execute(In(seconds(10)), statement, params);
  }

  std::string url_;
  std::unique_ptr<PqxxConnectionFactory> factory_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(PqxxConnectionTest, ValuesComeBackAsTheyWereSent) {
  const std::string unicode = "Zoë 🦉 'quoted' \\ \"$1\"\n\ttail ";
  const absl::StatusOr<QueryResult> echo =
      Execute(kEcho, {unicode, std::nullopt, "\\x00ff5c27", ""});
  // An empty string is not a number, and the connection survives the complaint.
  EXPECT_FALSE(echo.ok());
  ExpectFault(echo.status(), SqlFault::kPermanent, "22P02");

  const absl::StatusOr<QueryResult> result =
      Execute(kEcho, {unicode, std::nullopt, "\\x00ff5c27", "-9223372036854775808"});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->rows.size(), 1u);
  EXPECT_EQ(result->rows[0], (Row{unicode, std::nullopt, "\\x00ff5c27", "-9223372036854775808"}));
  EXPECT_EQ(Execute(kEcho, {"", "", std::nullopt, std::nullopt})->rows[0],
            (Row{"", "", std::nullopt, std::nullopt}));
}

TEST_F(PqxxConnectionTest, ATextThatCStringsWouldCutIsRefused) {
  const absl::Status status = Execute(kInsert, {"1", std::string("a\0b", 3)}).status();
  ExpectFault(status, SqlFault::kPermanent, "22021");
  EXPECT_EQ(Execute(kCount)->rows[0][0], "0");
}

TEST_F(PqxxConnectionTest, CountsAffectedRows) {
  EXPECT_EQ(Execute(kInsert, {"1", "a"})->affected_rows, 1);
  EXPECT_EQ(Execute(kInsert, {"1", "b"})->affected_rows, 0);
  EXPECT_EQ(Execute({"delete", "DELETE FROM t"})->affected_rows, 1);
  EXPECT_EQ(Execute({"show", "SHOW server_version"})->affected_rows, 0);
  EXPECT_EQ(Execute({"ddl", "CREATE TABLE v ()"})->affected_rows, 0);
}

TEST_F(PqxxConnectionTest, PreparesEachStatementOncePerConnection) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(Execute(kInsert, {std::to_string(i), std::nullopt}), IsOk());
    ASSERT_THAT(Execute(kCount), IsOk());
  }
  const absl::StatusOr<QueryResult> prepared = Execute(
      {"prepared", "SELECT name FROM pg_prepared_statements WHERE name <> 'prepared' ORDER BY 1"});
  ASSERT_THAT(prepared, IsOk());
  EXPECT_EQ(prepared->rows, (std::vector<Row>{{"count"}, {"insert"}}));
}

TEST_F(PqxxConnectionTest, BehindAPoolerNoStatementHasAName) {
  const auto factory = MakeFactory(url_, PoolMode::kTransaction);
  EXPECT_TRUE(factory->transaction_pooling());
  const auto pooled = Connect(factory.get());
  ASSERT_THAT(pooled->Execute(In(seconds(10)), kInsert, {"1", std::nullopt}), IsOk());
  EXPECT_EQ(Value(*pooled, "SELECT count(*) FROM pg_prepared_statements"), "0");
  EXPECT_EQ(Value(*pooled, "SHOW statement_timeout"), "0");  // no start-up options either
}

TEST_F(PqxxConnectionTest, AStatementPreparedInARolledBackTransactionStays) {
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute(kInsert, {"1", "a"}), IsOk());
  ASSERT_THAT(connection_->Rollback(In(seconds(10))), IsOk());
  EXPECT_EQ(Execute(kCount)->rows[0][0], "0");
  EXPECT_THAT(Execute(kInsert, {"1", "a"}), IsOk());
}

TEST_F(PqxxConnectionTest, NoticesDoNotReachTheStandardError) {
  ::testing::internal::CaptureStderr();
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "CREATE TABLE IF NOT EXISTS t (id int)"),
              IsOk());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// --- Errors --------------------------------------------------------------------------------------

TEST_F(PqxxConnectionTest, AViolationNamesItsConstraintAndKeepsValuesOutOfTheMessage) {
  ASSERT_THAT(Execute(kInsertPlain, {"1", "a"}), IsOk());
  const absl::Status twice = Execute(kInsertPlain, {"1", "a"}).status();
  ExpectFault(twice, SqlFault::kPermanent, "23505");
  EXPECT_EQ(GetSqlError(twice)->constraint, "t_id");
  EXPECT_EQ(twice.message().find("(1)"), absl::string_view::npos) << twice;
  EXPECT_EQ(twice.message().find('\n'), absl::string_view::npos) << twice;

  const absl::Status orphan = Execute({"orphan", "INSERT INTO u VALUES (7)"}).status();
  EXPECT_EQ(GetSqlError(orphan)->constraint, "u_id_fkey");
  EXPECT_EQ(connection_->Peek(), SocketState::kQuiet);
}

TEST_F(PqxxConnectionTest, ErrorsOfTheServerAreClassified) {
  ExpectFault(Execute({"syntax", "SELEKT 1"}).status(), SqlFault::kPermanent, "42601");
  ExpectFault(connection_->ExecuteScript(In(seconds(10)), "SELECT 1; SELECT 1/0"),
              SqlFault::kPermanent, "22012");
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "SET statement_timeout = '20ms'"),
              IsOk());
  ExpectFault(Execute(kSleep, {"10"}).status(), SqlFault::kCanceled, "57014");
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)),
                                         "SET statement_timeout = 0; "
                                         "SET default_transaction_read_only = on"),
              IsOk());
  ExpectFault(Execute(kInsert, {"1", "a"}).status(), SqlFault::kReadOnlyServer, "25006");
}

TEST_F(PqxxConnectionTest, AStatementDeallocatedBehindOurBackIsStale) {
  ASSERT_THAT(Execute(kCount), IsOk());
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "DEALLOCATE ALL"), IsOk());
  ExpectFault(Execute(kCount).status(), SqlFault::kStaleStatement, "26000");
}

TEST_F(PqxxConnectionTest, AMigrationUnderAPreparedStatementIsStale) {
  constexpr Statement kAll = {"all", "SELECT * FROM t"};
  ASSERT_THAT(Execute(kAll), IsOk());
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "ALTER TABLE t ADD COLUMN more int"),
              IsOk());
  ExpectFault(Execute(kAll).status(), SqlFault::kStaleStatement, "0A000");
}

// --- Transactions --------------------------------------------------------------------------------

TEST_F(PqxxConnectionTest, CommitsAndRollsBack) {
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute(kInsert, {"1", "a"}), IsOk());
  ASSERT_THAT(connection_->Commit(In(seconds(10))), IsOk());
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute(kInsert, {"2", "b"}), IsOk());
  ASSERT_THAT(connection_->Rollback(In(seconds(10))), IsOk());
  EXPECT_EQ(Execute(kCount)->rows[0][0], "1");
}

TEST_F(PqxxConnectionTest, ACommitOfAFailedTransactionIsNoSuccess) {
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute(kInsert, {"1", "a"}), IsOk());
  EXPECT_FALSE(Execute({"fail", "SELECT 1/0"}).ok());
  ExpectFault(Execute(kCount).status(), SqlFault::kPermanent, "25P02");
  ExpectFault(connection_->Commit(In(seconds(10))), SqlFault::kSerialization);
  EXPECT_EQ(Execute(kCount)->rows[0][0], "0");  // out of the transaction, and usable
}

TEST_F(PqxxConnectionTest, ACommitThatViolatesADeferredConstraintSaysWhich) {
  ASSERT_THAT(connection_->ExecuteScript(
                  In(seconds(10)),
                  "ALTER TABLE u ALTER CONSTRAINT u_id_fkey DEFERRABLE INITIALLY DEFERRED"),
              IsOk());
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute({"orphan", "INSERT INTO u VALUES (7)"}), IsOk());
  const absl::Status commit = connection_->Commit(In(seconds(10)));
  ExpectFault(commit, SqlFault::kPermanent, "23503");
  EXPECT_EQ(GetSqlError(commit)->constraint, "u_id_fkey");
}

// --- Losses --------------------------------------------------------------------------------------

TEST_F(PqxxConnectionTest, AnIdleSessionThatWasEndedIsSeenByAPeek) {
  EXPECT_EQ(connection_->Peek(), SocketState::kQuiet);
  Terminate(BackendPid(*connection_));
  EXPECT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
}

TEST_F(PqxxConnectionTest, AUseAfterTheLossSaysWhyAndNeverReconnects) {
  const pid_t backend = BackendPid(*connection_);
  Terminate(backend);
  ASSERT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
  ExpectFault(Execute(kCount).status(), SqlFault::kLost, "57P01");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(GetSqlError(Execute(kCount).status())->fault, SqlFault::kLost);
    EXPECT_EQ(GetSqlError(connection_->Ping(In(seconds(1))))->fault, SqlFault::kLost);
  }
  EXPECT_EQ(postgres().QueryValue("SELECT count(*) FROM pg_stat_activity WHERE datname = '" +
                                  url_.substr(url_.rfind('/') + 1) + "'"),
            "0");
}

TEST_F(PqxxConnectionTest, ASessionKilledInUseIsALoss) {
  const pid_t backend = BackendPid(*connection_);
  std::future<absl::Status> sleeper =
      std::async(std::launch::async, [&] { return Execute(kSleep, {"30"}).status(); });
  ASSERT_TRUE(testing::Eventually([&] {
    return postgres().QueryValue(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
               "'SELECT pg_sleep%' AND state = 'active' AND pid = " +
               std::to_string(backend)) == "1";
  }));
  Terminate(backend);
  ExpectFault(sleeper.get(), SqlFault::kLost, "57P01");
}

TEST_F(PqxxConnectionTest, ATransactionWhoseSessionIsKilledLosesItsCommit) {
  ASSERT_THAT(connection_->Begin(In(seconds(10))), IsOk());
  ASSERT_THAT(Execute(kInsert, {"1", "a"}), IsOk());
  Terminate(BackendPid(*connection_));
  ASSERT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
  EXPECT_EQ(GetSqlError(connection_->Commit(In(seconds(10))))->fault, SqlFault::kLost);
  EXPECT_EQ(Value(*Connect(factory_.get()), "SELECT count(*) FROM t"), "0");
}

TEST_F(PqxxConnectionTest, AnIdleTimeoutTellsThatNothingWasDone) {
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "SET idle_session_timeout = '50ms'"),
              IsOk());
  ASSERT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
  ExpectFault(Execute(kInsert, {"1", "a"}).status(), SqlFault::kLost, "57P05");
}

// --- Deadlines -----------------------------------------------------------------------------------

TEST_F(PqxxConnectionTest, AFrozenServerIsCutAtTheDeadlineAndClosesWithoutBlocking) {
  const pid_t backend = BackendPid(*connection_);
  const testing::FrozenProcess frozen = postgres().Freeze(backend);
  EXPECT_EQ(connection_->Peek(), SocketState::kQuiet);  // the kernel knows nothing

  const MonotonicTime begin = clock_.Monotonic();
  const absl::Status status =
      connection_->Execute(begin + milliseconds(300), kInsert, {"1", "a"}).status();
  const Duration took = clock_.Monotonic() - begin;
  ExpectFault(status, SqlFault::kDeadline);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LE(took, milliseconds(400));
  EXPECT_EQ(connection_->Peek(), SocketState::kDead);

  const MonotonicTime closing = clock_.Monotonic();
  connection_.reset();
  EXPECT_LE(clock_.Monotonic() - closing, milliseconds(50));
}

TEST_F(PqxxConnectionTest, APingOfAFrozenServerIsBounded) {
  const testing::FrozenProcess frozen = postgres().Freeze(BackendPid(*connection_));
  const MonotonicTime begin = clock_.Monotonic();
  ExpectFault(connection_->Ping(begin + milliseconds(100)), SqlFault::kDeadline);
  EXPECT_LE(clock_.Monotonic() - begin, milliseconds(200));
}

// The buffers of both kernels are full: the farewell message has no place to go.
TEST_F(PqxxConnectionTest, AFrozenServerWithFullBuffersIsClosedWithoutBlocking) {
  const testing::FrozenProcess frozen = postgres().Freeze(BackendPid(*connection_));
  const std::string megabytes(32u << 20, 'x');
  ExpectFault(connection_->Execute(In(milliseconds(200)), kInsert, {"1", megabytes}).status(),
              SqlFault::kDeadline);
  const MonotonicTime closing = clock_.Monotonic();
  connection_.reset();
  EXPECT_LE(clock_.Monotonic() - closing, milliseconds(50));
}

TEST_F(PqxxConnectionTest, AStatementThatIsTooLateIsNotSent) {
  ExpectFault(connection_->Execute(clock_.Monotonic(), kInsert, {"1", "a"}).status(),
              SqlFault::kDeadline);
  EXPECT_EQ(connection_->Peek(), SocketState::kQuiet);
  EXPECT_EQ(Execute(kCount)->rows[0][0], "0");
}

TEST_F(PqxxConnectionTest, ASlowStatementInTimeIsLeftAlone) {
  EXPECT_THAT(connection_->Execute(In(seconds(5)), kSleep, {"0.3"}), IsOk());
  EXPECT_THAT(connection_->Execute(MonotonicTime::max(), kCount, {}), IsOk());
}

TEST_F(PqxxConnectionTest, TheDatabasesTimeNeverRunsAhead) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(connection_->RefreshDatabaseTime(In(seconds(10))), IsOk());
    const WallTime computed = connection_->DatabaseTime(clock_.Monotonic());
    // Read after that moment, on the same machine's clock.
    const WallTime read = clock_.Now();
    EXPECT_LE(computed, read + std::chrono::microseconds(1));
    EXPECT_GE(computed, read - seconds(1));
  }
  const MonotonicTime moment = clock_.Monotonic();
  EXPECT_EQ(connection_->DatabaseTime(moment + seconds(7)) - connection_->DatabaseTime(moment),
            seconds(7));
  EXPECT_GT(connection_->DatabaseTime(MonotonicTime::max()), connection_->DatabaseTime(moment));
}

// The frozen server still has the bytes, and would run them after the thaw.
TEST_F(PqxxConnectionTest, AWriteWithItsDeadlineIsNotStoredByAServerThatThawsLate) {
  ASSERT_THAT(Execute(kWriteInTime,
                      {"0", "in time", ToTimestamp(connection_->DatabaseTime(In(seconds(10))))}),
              IsOk());
  const pid_t backend = BackendPid(*connection_);
  testing::FrozenProcess frozen = postgres().Freeze(backend);
  const MonotonicTime deadline = In(milliseconds(200));
  ExpectFault(connection_
                  ->Execute(deadline, kWriteInTime,
                            {"1", "too late", ToTimestamp(connection_->DatabaseTime(deadline))})
                  .status(),
              SqlFault::kDeadline);
  frozen.Thaw();
  ASSERT_TRUE(testing::Eventually([&] {
    return postgres().QueryValue("SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                                 std::to_string(backend)) == "0";
  }));
  EXPECT_EQ(Value(*Connect(factory_.get()), "SELECT string_agg(name, ',') FROM t"), "in time");
}

}  // namespace
}  // namespace auth::pool
