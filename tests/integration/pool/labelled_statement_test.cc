// Statements that the database shows with a label, against a real PostgreSQL and a real PgBouncer.

#include "pool/labelled_statement.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/pool/connect_fixture.h"
#include "tests/support/pgbouncer.h"
#include "tests/support/sql_connection.h"
#include "tests/support/tcp_gate.h"

namespace auth::pool {
namespace {

using testing::SqlConnection;

constexpr Statement kInsert = {"insert",
                               "INSERT INTO t (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
constexpr Statement kInsertPlain = {"insert_plain", "INSERT INTO t (id, name) VALUES ($1, $2)"};
constexpr Statement kEcho = {"echo", "SELECT $1::text, $2::text, ''"};
constexpr Statement kSleep = {"sleep", "SELECT pg_sleep($1::float8)"};
constexpr Statement kName = {"name", "SELECT current_setting('application_name')"};
const std::string kLabel = "trace=4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kLabelledName = "auth_server " + kLabel;

class LabelledStatementTest : public ConnectFixture {
 protected:
  void SetUp() override {
    url_ = postgres().CreateDatabase();
    observer_ = std::make_unique<SqlConnection>(url_ + "?application_name=observer");
    observer_->Execute("CREATE TABLE t (id int CONSTRAINT t_id PRIMARY KEY, name text)");
    Open(url_);
  }

  void Open(const std::string& url, PoolMode mode = PoolMode::kAuto) {
    connection_.reset();
    factory_ = MakeFactory(url, mode);
    connection_ = Connect(factory_.get());
    ASSERT_NE(connection_, nullptr);
  }

  absl::StatusOr<QueryResult> Labelled(const Statement& statement, const Params& params = {},
                                       const std::string& label = kLabel) {
    return connection_->ExecuteLabelled(In(seconds(10)), label, statement, params);
  }

  // The names of the sessions of the database that are `state`, without the observer.
  std::string Names(const std::string& state) {
    // Not in a transaction of the observer's, which would see the same all the time.
    return postgres().QueryValue(
        "SELECT coalesce(string_agg(application_name, ','), '') FROM pg_stat_activity WHERE "
        "datname = '" +
        url_.substr(url_.rfind('/') + 1) + "' AND application_name <> 'observer' AND state = '" +
        state + "'");
  }

  // Runs an insert that waits for a row of the observer's, and looks at it meanwhile.
  void ExpectTheWaitIsLabelled() {
    observer_->Execute("BEGIN");
    observer_->Execute("INSERT INTO t VALUES (1, 'first')");
    auto waiting = std::async(std::launch::async, [&] { return Labelled(kInsert, {"1", "late"}); });
    EXPECT_TRUE(testing::Eventually([&] { return Names("active") == kLabelledName; }))
        << Names("active");
    observer_->Execute("ROLLBACK");
    const absl::StatusOr<QueryResult> inserted = waiting.get();
    ASSERT_THAT(inserted, IsOk());
    EXPECT_EQ(inserted->affected_rows, 1);
    EXPECT_EQ(observer_->QueryValue("SELECT name FROM t"), "late");
    ExpectPlain();
  }

  void ExpectPlain() {
    EXPECT_EQ(Names("idle"), "auth_server");
    EXPECT_EQ(Value(*connection_, kName.sql), "auth_server");
  }

  std::string url_;
  std::unique_ptr<SqlConnection> observer_;
  std::unique_ptr<PqxxConnectionFactory> factory_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(LabelledStatementTest, TheDatabaseShowsTheLabelWhileTheStatementRunsAndNoLonger) {
  ExpectTheWaitIsLabelled();
}

TEST_F(LabelledStatementTest, UnnamedStatementsToo) {
  Open(url_, PoolMode::kTransaction);
  ExpectTheWaitIsLabelled();
}

TEST_F(LabelledStatementTest, BehindAPgBouncerTheNextClientSeesNothingOfIt) {
  const testing::PgBouncer pooler(postgres().url(), {{"default_pool_size", "1"}});
  Open(pooler.Through(url_));
  EXPECT_TRUE(factory_->transaction_pooling());
  ExpectTheWaitIsLabelled();
  ASSERT_FALSE(Labelled({"fail", "SELECT 1/0"}).ok());
  SqlConnection next(pooler.Through(url_) + "?application_name=next");
  EXPECT_EQ(next.QueryValue("SHOW application_name"), "next");
  EXPECT_EQ(Names("idle"), "next") << "the one session of them all";
  EXPECT_EQ(Value(*connection_, kName.sql), "auth_server");
}

TEST_F(LabelledStatementTest, AWaitForATableIsLabelledToo) {
  observer_->Execute("BEGIN");
  observer_->Execute("LOCK TABLE t");
  auto waiting = std::async(std::launch::async, [&] { return Labelled(kInsert, {"1", "a"}); });
  // Preparing waits as well, and has no label.
  EXPECT_TRUE(testing::Eventually([&] { return Names("active") == "auth_server"; }));
  observer_->Execute("COMMIT");
  ASSERT_THAT(waiting.get(), IsOk());

  observer_->Execute("BEGIN");
  observer_->Execute("LOCK TABLE t");
  waiting = std::async(std::launch::async, [&] { return Labelled(kInsert, {"2", "a"}); });
  EXPECT_TRUE(testing::Eventually([&] { return Names("active") == kLabelledName; }));
  observer_->Execute("COMMIT");
  ASSERT_THAT(waiting.get(), IsOk());
}

TEST_F(LabelledStatementTest, AnswersAsAnyStatement) {
  const std::string unicode = "Zoë 🦉 'quoted' \\ \"$1\"\n\ttail ";
  EXPECT_EQ(Labelled(kEcho, {unicode, std::nullopt})->rows,
            (std::vector<Row>{{unicode, std::nullopt, ""}}));
  EXPECT_EQ(Labelled(kInsert, {"1", "a"})->affected_rows, 1);
  EXPECT_EQ(Labelled(kInsert, {"1", "b"})->affected_rows, 0);
  EXPECT_EQ(Labelled({"delete", "DELETE FROM t"})->affected_rows, 1);
  EXPECT_EQ(Labelled({"ddl", "CREATE TABLE v ()"})->affected_rows, 0);
  EXPECT_EQ(Labelled({"none", "SELECT 1 WHERE false"})->rows.size(), 0u);
  ExpectFault(Labelled(kInsert, {"1", std::string("a\0b", 3)}).status(), SqlFault::kPermanent,
              "22021");
}

TEST_F(LabelledStatementTest, ALongLabelShortensThePlainName) {
  Open(url_ + "?application_name=a_service_with_a_very_long_name_of_its_own");
  EXPECT_EQ(Labelled(kName)->rows[0][0], "a_service_with_a_very_lo " + kLabel);
  EXPECT_EQ(Labelled(kName, {}, std::string(100, 'x'))->rows[0][0], " " + std::string(62, 'x'));
  EXPECT_EQ(Value(*connection_, kName.sql), "a_service_with_a_very_long_name_of_its_own");
}

TEST_F(LabelledStatementTest, ItTakesOneRoundTrip) {
  testing::TcpGate gate(postgres().port());
  Open(gate.Through(url_));
  ASSERT_THAT(Labelled(kInsert, {"1", "a"}), IsOk());
  gate.SetWeather({.latency = milliseconds(100)});
  const MonotonicTime begin = clock_.Monotonic();
  ASSERT_THAT(Labelled(kInsert, {"2", "a"}), IsOk());
  EXPECT_LT(clock_.Monotonic() - begin, milliseconds(390));
  EXPECT_GE(clock_.Monotonic() - begin, milliseconds(200));
}

TEST_F(LabelledStatementTest, ErrorsAreClassifiedAndLeaveThePlainName) {
  ASSERT_THAT(Labelled(kInsertPlain, {"1", "a"}), IsOk());
  const absl::Status twice = Labelled(kInsertPlain, {"1", "a"}).status();
  ExpectFault(twice, SqlFault::kPermanent, "23505");
  EXPECT_EQ(GetSqlError(twice)->constraint, "t_id");
  EXPECT_EQ(twice.message().find("(1)"), absl::string_view::npos) << twice;
  ExpectPlain();
  ExpectFault(Labelled({"syntax", "SELEKT 1"}).status(), SqlFault::kPermanent, "42601");
  ExpectFault(Labelled({"division", "SELECT 1/0"}).status(), SqlFault::kPermanent, "22012");
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "SET statement_timeout = '20ms'"),
              IsOk());
  ExpectFault(Labelled(kSleep, {"10"}).status(), SqlFault::kCanceled, "57014");
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "DEALLOCATE ALL"), IsOk());
  ExpectFault(Labelled(kInsertPlain, {"2", "a"}).status(), SqlFault::kStaleStatement, "26000");
  EXPECT_EQ(Names("idle"), "auth_server");
  EXPECT_EQ(observer_->QueryValue("SELECT count(*) FROM t"), "1");
}

// The error comes behind the statement's own answer, when the implicit transaction commits.
TEST_F(LabelledStatementTest, AnErrorOfTheCommitIsTheAnswer) {
  observer_->Execute("CREATE TABLE u (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
  const absl::Status orphan = Labelled({"orphan", "INSERT INTO u VALUES (7)"}).status();
  ExpectFault(orphan, SqlFault::kPermanent, "23503");
  EXPECT_EQ(GetSqlError(orphan)->constraint, "u_id_fkey");
  EXPECT_EQ(observer_->QueryValue("SELECT count(*) FROM u"), "0");
  ExpectPlain();
}

TEST_F(LabelledStatementTest, LossesAreLosses) {
  const auto reconnect = [&] { Open(url_); };
  Terminate(BackendPid(*connection_));
  ASSERT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
  ExpectFault(Labelled(kInsert, {"1", "a"}).status(), SqlFault::kLost, "57P01");
  EXPECT_EQ(GetSqlError(Labelled(kInsert, {"1", "a"}).status())->fault, SqlFault::kLost);

  reconnect();
  ASSERT_THAT(connection_->ExecuteScript(In(seconds(10)), "SET idle_session_timeout = '50ms'"),
              IsOk());
  ASSERT_TRUE(testing::Eventually([&] { return connection_->Peek() == SocketState::kDead; }));
  ExpectFault(Labelled(kInsert, {"1", "a"}).status(), SqlFault::kLost, "57P05");

  reconnect();
  const pid_t backend = BackendPid(*connection_);
  auto sleeper = std::async(std::launch::async, [&] { return Labelled(kSleep, {"30"}).status(); });
  ASSERT_TRUE(testing::Eventually([&] { return Names("active") == kLabelledName; }));
  Terminate(backend);
  ExpectFault(sleeper.get(), SqlFault::kLost, "57P01");
}

TEST_F(LabelledStatementTest, AFrozenServerIsCutAtTheDeadline) {
  // The longer text fills the buffers of both kernels: not even the sending ends.
  for (const size_t length : {size_t{1}, size_t{32} << 20}) {
    Open(url_);
    ASSERT_THAT(Labelled(kEcho, {"", ""}), IsOk());
    const testing::FrozenProcess frozen = postgres().Freeze(BackendPid(*connection_));
    const MonotonicTime begin = clock_.Monotonic();
    const absl::Status status = connection_
                                    ->ExecuteLabelled(begin + milliseconds(300), kLabel, kEcho,
                                                      {std::string(length, 'x'), std::nullopt})
                                    .status();
    ExpectFault(status, SqlFault::kDeadline);
    EXPECT_LE(clock_.Monotonic() - begin, milliseconds(600));
    const MonotonicTime closing = clock_.Monotonic();
    connection_.reset();
    EXPECT_LE(clock_.Monotonic() - closing, milliseconds(50));
  }
}

}  // namespace
}  // namespace auth::pool
