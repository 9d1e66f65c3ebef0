#include "server/ops/pool_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/sql_error.h"
#include "tests/unit/ops/log_capture.h"

namespace auth::ops {
namespace {

using pool::BreakerState;
using pool::RecreateReason;
using pool::RetireReason;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

class PoolLogTest : public ::testing::Test {
 protected:
  // Level and message of each line, "warning: Retrying in 0.5s".
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const auto& line : log_.Lines()) {
      told.push_back(line["level"].get<std::string>() + ": " + line["message"].get<std::string>());
    }
    return told;
  }

  LogCapture log_;
  PoolLog pool_log_{log_.logger()};
};

// Scripts and people search for these sentences.
TEST_F(PoolLogTest, KeepsThePublishedWording) {
  const absl::Status refused =
      pool::MakeSqlStatus({pool::SqlFault::kLost, "", ""}, "connection refused\n");
  pool_log_.OnStarted(1, 10);
  pool_log_.OnRetired(RetireReason::kClosedByServer);
  pool_log_.OnConnectFailed(1, 3, refused);
  pool_log_.OnRetryScheduled(milliseconds(500));
  pool_log_.OnConnectFailed(2, 3, refused);
  pool_log_.OnRetryScheduled(milliseconds(327));
  pool_log_.OnConnectFailed(3, 3, refused);
  pool_log_.OnRecreated(RecreateReason::kConnectFailures, 2);
  pool_log_.OnRetryScheduled(std::chrono::seconds(2));
  EXPECT_THAT(
      Told(),
      ::testing::ElementsAre(
          "info: Database connection pool initialized (min=1, max=10)",
          "warning: Connection is invalid (closed_by_server), getting new connection",
          "warning: Failed to get connection (attempt 1/3): connection refused",
          "info: Retrying in 0.5s",
          "warning: Failed to get connection (attempt 2/3): connection refused",
          "info: Retrying in 0.327s",
          "warning: Failed to get connection (attempt 3/3): connection refused",
          "error: Failed to get valid connection after 3 attempts",
          "warning: Connection pool may be stale, recreating pool", "info: Retrying in 2s"));
}

TEST_F(PoolLogTest, FieldsCarryWhatTheSentencesSay) {
  pool_log_.OnConnectFailed(2, 3,
                            pool::MakeSqlStatus({pool::SqlFault::kConfiguration, "28P01", ""},
                                                "password authentication failed"));
  pool_log_.OnRecreated(RecreateReason::kRequested, 5);
  const auto lines = log_.Lines();
  EXPECT_EQ(lines.at(0)["event"], "pool_connect_failed");
  EXPECT_EQ(lines.at(0)["attempt"], 2);
  EXPECT_EQ(lines.at(0)["max_attempts"], 3);
  EXPECT_EQ(lines.at(0)["sqlstate"], "28P01");
  EXPECT_EQ(lines.at(1)["reason"], "requested");
  EXPECT_EQ(lines.at(1)["generation"], 5);
}

TEST_F(PoolLogTest, ConnectionsThatGrewOldAreNoWarning) {
  for (const RetireReason reason :
       {RetireReason::kIdleTimeout, RetireReason::kMaxLifetime, RetireReason::kStaleGeneration,
        RetireReason::kInvalidated, RetireReason::kDrained}) {
    pool_log_.OnRetired(reason);
  }
  for (const std::string& line : Told()) EXPECT_THAT(line, HasSubstr("debug: Connection closed"));
}

TEST_F(PoolLogTest, TellsOnceThatTheDatabaseIsBack) {
  pool_log_.OnConnected(milliseconds(20));
  pool_log_.OnConnectFailed(1, 3, absl::UnavailableError("refused"));
  pool_log_.OnConnected(milliseconds(20));
  pool_log_.OnConnected(milliseconds(20));
  EXPECT_THAT(Told(),
              ::testing::ElementsAre("debug: Database connection opened",
                                     "warning: Failed to get connection (attempt 1/3): refused",
                                     "info: Database connection restored",
                                     "debug: Database connection opened"));
}

TEST_F(PoolLogTest, BreakerLeaksAndDoubt) {
  pool_log_.OnBreaker(BreakerState::kOpen);
  pool_log_.OnBreaker(BreakerState::kHalfOpen);
  pool_log_.OnBreaker(BreakerState::kClosed);
  pool_log_.OnLeak(std::chrono::seconds(30));
  pool_log_.OnInDoubt("replayed");
  const auto lines = log_.Lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["state"], "open");
  EXPECT_EQ(lines[2]["level"], "info");
  EXPECT_EQ(lines[3]["borrowed_s"], 30);
  EXPECT_EQ(lines[4]["resolution"], "replayed");
}

TEST(CleanDriverMessageTest, IsOneTrimmedLine) {
  EXPECT_EQ(CleanDriverMessage("  connection failed:\r\n\tFATAL:  sorry,\n\nno  more\n"),
            "connection failed: FATAL: sorry, no more");
  EXPECT_EQ(CleanDriverMessage(""), "");
}

TEST(CleanDriverMessageTest, ShowsNoPassword) {
  for (const char* message :
       {"bad URI postgresql://app:s3cret@db/users", "\"postgres://app:s3c@ret@db/users\" is bad",
        "postgresql://app:x@a/1 postgresql://app:s3cret@b/2", "password=s3cret host=db",
        "conninfo \"host=db password='s3cret and more' user=app\"",
        "postgres://db/u?password=s3cret&a=b", "sslpassword=s3cret", "postgres://:s3cret@db",
        "password=s3cret", "password='s3cret"}) {
    const std::string clean = CleanDriverMessage(message);
    EXPECT_THAT(clean, Not(HasSubstr("s3c"))) << message;
    EXPECT_THAT(clean, Not(HasSubstr("ret@"))) << message;
    EXPECT_THAT(clean, Not(HasSubstr("and more"))) << message;
    EXPECT_THAT(clean, HasSubstr("***")) << message;
  }
  for (const char* harmless : {"connection to server at \"db\" (10.0.0.1), port 5432 failed",
                               "see https://example.com/a:b and mail a@b", "://", "://@", "x://",
                               "password authentication failed for user \"app\""}) {
    EXPECT_EQ(CleanDriverMessage(harmless), harmless);
  }
}

}  // namespace
}  // namespace auth::ops
