#include "tests/support/postgres_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pool/pqxx_connection_factory.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using Fault = PostgresGate::Fault;

constexpr pool::Statement kInsert = {"insert_row", "INSERT INTO t VALUES ($1::text)"};

class PostgresGateTest : public PostgresTest {
 protected:
  PostgresGateTest() : url_(postgres().CreateDatabase()), database_(url_) {
    database_.Execute("CREATE TABLE t (value text)");
    pool::PqxxConnectionFactory::Options options;
    options.url_source = [url = gate_.tcp().Through(url_)] { return url; };
    factory_ = *pool::PqxxConnectionFactory::Create(std::move(options), &clock_);
  }

  std::unique_ptr<pool::Connection> Connect() { return *factory_->Connect(Soon()); }
  MonotonicTime Soon() const { return clock_.Monotonic() + std::chrono::seconds(10); }
  absl::Status Insert(pool::Connection& connection, const std::string& value) {
    return connection.Execute(Soon(), kInsert, {value}).status();
  }
  std::string Rows() { return database_.QueryValue("SELECT count(*) FROM t"); }

  RealClock clock_;
  const std::string url_;
  SqlConnection database_;
  PostgresGate gate_{postgres().port()};
  std::unique_ptr<pool::PqxxConnectionFactory> factory_;
};

TEST_F(PostgresGateTest, ChangesNothingWithoutRules) {
  const auto connection = Connect();
  EXPECT_THAT(Insert(*connection, "a"), IsOk());
  EXPECT_THAT(Insert(*connection, "b"), IsOk());
  EXPECT_THAT(connection->Begin(Soon()), IsOk());
  EXPECT_THAT(connection->Commit(Soon()), IsOk());
  EXPECT_EQ(Rows(), "2");
  EXPECT_EQ(gate_.seen("insert_row"), 2);
  EXPECT_EQ(gate_.seen("COMMIT"), 1);
}

TEST_F(PostgresGateTest, CutsBeforeTheServerGetsIt) {
  const auto connection = Connect();
  gate_.Add({.request = "insert_row", .fault = Fault::kCutBefore});
  EXPECT_FALSE(Insert(*connection, "a").ok());
  EXPECT_TRUE(Eventually([&] { return postgres().BackendPids().size() == 1; }))
      << "the server has noticed";
  EXPECT_EQ(Rows(), "0");
  EXPECT_EQ(gate_.done(Fault::kCutBefore), 1);
  EXPECT_THAT(Insert(*Connect(), "b"), IsOk()) << "only once";
}

TEST_F(PostgresGateTest, CutsWhileTheServerWorks) {
  const auto connection = Connect();
  gate_.Add({.request = "insert_row", .fault = Fault::kCutAfter});
  EXPECT_FALSE(Insert(*connection, "a").ok());
  EXPECT_TRUE(Eventually([&] { return Rows() == "1"; }));
  EXPECT_EQ(gate_.done(Fault::kCutAfter), 1);
}

TEST_F(PostgresGateTest, LosesTheReplyOfWhatIsDone) {
  for (const std::optional<int> bytes :
       {std::optional(0), std::optional(7), std::optional(10'000), std::optional<int>()}) {
    database_.Execute("DELETE FROM t");
    const auto connection = Connect();
    gate_.Add({.request = "insert_row", .fault = Fault::kLoseReply, .reply_bytes = bytes});
    EXPECT_FALSE(Insert(*connection, "a").ok());
    EXPECT_EQ(Rows(), "1") << "durable before the cut";
  }
  EXPECT_EQ(gate_.done(Fault::kLoseReply), 4);
}

TEST_F(PostgresGateTest, LosesCommitsAndTheirReplies) {
  gate_.Add({.request = "COMMIT", .fault = Fault::kCutBefore});
  gate_.Add({.request = "COMMIT", .fault = Fault::kLoseReply});
  for (int i = 0; i < 2; ++i) {
    const auto connection = Connect();
    EXPECT_THAT(connection->Begin(Soon()), IsOk());
    EXPECT_THAT(Insert(*connection, "a"), IsOk());
    EXPECT_FALSE(connection->Commit(Soon()).ok());
    EXPECT_TRUE(Eventually([&] { return postgres().BackendPids().size() == 1; }));
    EXPECT_EQ(Rows(), std::to_string(i)) << "the first is rolled back, the second durable";
  }
}

TEST_F(PostgresGateTest, HitsWithAProbability) {
  gate_.Add(
      {.request = "insert_row", .fault = Fault::kCutBefore, .times = 1000, .probability = 0.5});
  int lost = 0;
  for (int i = 0; i < 40; ++i) lost += Insert(*Connect(), "a").ok() ? 0 : 1;
  EXPECT_EQ(gate_.done(Fault::kCutBefore), lost);
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 35);
  gate_.ClearRules();
  EXPECT_THAT(Insert(*Connect(), "b"), IsOk());
}

}  // namespace
}  // namespace auth::testing
