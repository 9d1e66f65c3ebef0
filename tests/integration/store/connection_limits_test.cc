#include "server/store/connection_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_store.h"

namespace auth::store {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;

class ConnectionLimitsTest : public testing::PostgresTest {
 protected:
  ConnectionLimitsTest()
      : url_(postgres().CreateDatabase()), name_(url_.substr(url_.rfind('/') + 1)) {}

  ConnectionLimits Read(const std::string& url) {
    const testing::TestStore database(url);
    const absl::StatusOr<ConnectionLimits> limits =
        ReadConnectionLimits(database.runner(), database.In(seconds(30)));
    EXPECT_THAT(limits, IsOk());
    return limits.value_or(ConnectionLimits());
  }

  const std::string url_;
  const std::string name_;
};

TEST_F(ConnectionLimitsTest, AreTheServersIfNothingElseIsSet) {
  const ConnectionLimits limits = Read(url_);
  EXPECT_EQ(limits.connections,
            std::stoi(postgres().QueryValue("SHOW max_connections")) -
                std::stoi(postgres().QueryValue("SHOW superuser_reserved_connections")));
  EXPECT_EQ(limits.idle_session_timeout, std::nullopt);
}

TEST_F(ConnectionLimitsTest, AreTheLeastOfServerDatabaseAndRole) {
  postgres().Execute("ALTER DATABASE " + name_ + " CONNECTION LIMIT 7");
  EXPECT_EQ(Read(url_).connections, 7);
  postgres().Execute("ALTER ROLE postgres CONNECTION LIMIT 5");
  EXPECT_EQ(Read(url_).connections, 5);
  postgres().Execute("ALTER ROLE postgres CONNECTION LIMIT -1");
}

TEST_F(ConnectionLimitsTest, KnowWhenTheDatabaseClosesIdleSessions) {
  postgres().Execute("ALTER DATABASE " + name_ + " SET idle_session_timeout = '90s'");
  EXPECT_EQ(Read(url_).idle_session_timeout, seconds(90));
}

TEST_F(ConnectionLimitsTest, KnowWhetherTimeoutsAreInForce) {
  EXPECT_TRUE(Read(url_).has_timeouts) << "given at the start of a direct session";
  const testing::TestStore pooled(url_, {}, nullptr, pool::PoolMode::kTransaction);
  const auto without = ReadConnectionLimits(pooled.runner(), pooled.In(seconds(30)));
  ASSERT_THAT(without, IsOk());
  EXPECT_FALSE(without->has_timeouts);
}

TEST(ConnectionWarningsTest, NothingToSayOfSettingsThatFit) {
  EXPECT_THAT(ConnectionWarnings({}, {}, ""), IsEmpty());
  EXPECT_THAT(ConnectionWarnings({.connections = 20, .idle_session_timeout = seconds(121)}, {}, ""),
              IsEmpty());
  EXPECT_THAT(ConnectionWarnings({}, {}, "ep-cool-1.eu-central-1.aws.neon.tech"), IsEmpty());
}

TEST(ConnectionWarningsTest, APoolThatIsLargerThanTheLimit) {
  EXPECT_THAT(ConnectionWarnings({.connections = 9, .idle_session_timeout = {}}, {}, ""),
              ElementsAre(HasSubstr("--pool-max-connections is 10, but the database grants us 9")));
}

TEST(ConnectionWarningsTest, APoolThatLeavesNoRoomForASecondReplica) {
  for (const int granted : {10, 19}) {
    EXPECT_THAT(ConnectionWarnings({.connections = granted, .idle_session_timeout = {}}, {}, ""),
                ElementsAre(HasSubstr("a second replica has no room")));
  }
}

TEST(ConnectionWarningsTest, AnIdleTimeoutThatTheDatabaseComesBefore) {
  EXPECT_THAT(
      ConnectionWarnings({.connections = {}, .idle_session_timeout = seconds(120)}, {}, ""),
      ElementsAre(HasSubstr("--pool-idle-timeout is 120s, but the database closes idle sessions "
                            "after 120s")));
}

TEST(ConnectionWarningsTest, SessionsWithoutTimeouts) {
  EXPECT_THAT(ConnectionWarnings(
                  {.connections = {}, .idle_session_timeout = {}, .has_timeouts = false}, {}, ""),
              ElementsAre(HasSubstr("set them with the ALTER ROLE")));
}

TEST(ConnectionWarningsTest, AnIdleTimeoutThatKeepsNeonAwake) {
  pool::PoolOptions options;
  options.idle_timeout = seconds(300);
  EXPECT_THAT(ConnectionWarnings({}, options, "ep-cool-1.eu-central-1.aws.neon.tech"),
              ElementsAre(HasSubstr("Neon suspends an idle database after 300s")));
  EXPECT_THAT(ConnectionWarnings({.connections = {}, .idle_session_timeout = seconds(200)}, options,
                                 "ep-cool-1.eu-central-1.aws.neon.tech"),
              ElementsAre(HasSubstr("closes idle sessions after 200s")));
}

}  // namespace
}  // namespace auth::store
