// A session dies with something unread before its end, so that its socket looks as that of a
// session that merely has news. The service itself never listens; an extension, or a pool that is
// shared with other code, may.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "pool/effect.h"
#include "tests/support/eventually.h"
#include "tests/support/history_checker.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"
#include "tests/support/test_store.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;

pool::PoolOptions OneConnection() {
  pool::PoolOptions options;
  options.max_connections = 1;
  return options;
}

class PendingNotify : public PostgresTest {
 protected:
  // Registers a user, on the pool's one connection or the one that follows it.
  void ExpectRegistered(const std::string& email) {
    const account::NewUser user = MakeNewUser(email);
    const auto result = store_.store().Register({store_.In(seconds(10))}, user);
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->kind, account::RegisterResult::Kind::kCreated);
    history_.Record({.operation = ++operations_,
                     .email_key = email,
                     .request_id = "",
                     .outcome = RegisterOutcome::kOk,
                     .user_id = user.id.ToString(),
                     .session_id = user.session.id.ToString()});
  }

  // From now on the pool's connection has something to read, unless it is another one.
  void LeaveNews() {
    const MonotonicTime deadline = store_.In(seconds(10));
    ASSERT_THAT(store_.runner().Run(pool::Effect::kIdempotent, deadline,
                                    [&](pool::Connection& connection) {
                                      return connection.ExecuteScript(deadline, "LISTEN news");
                                    }),
                IsOk());
    database_.Execute("NOTIFY news");
  }

  const std::string url_ = postgres().CreateDatabase();
  SqlConnection database_{url_};
  TestStore store_{url_, OneConnection()};
  HistoryChecker history_;
  int64_t operations_ = 0;
};

TEST_F(PendingNotify, NewsAloneIsNoReasonToClose) {
  ExpectRegistered("first@example.com");
  const std::string pid = database_.QueryValue(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'auth_server' AND datname = "
      "current_database()");
  for (int round = 0; round < 20; ++round) {
    ASSERT_NO_FATAL_FAILURE(LeaveNews());
    ASSERT_NO_FATAL_FAILURE(ExpectRegistered(absl::StrCat("news-", round, "@example.com")));
  }
  EXPECT_EQ(database_.QueryValue("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", {pid}),
            "1")
      << "the same session all the time";
  EXPECT_THAT(history_.Check(database_), IsEmpty());
}

TEST_F(PendingNotify, AKillBehindItIsNoticed) {
  const int rounds = ShortOrLong(100, 1000);
  for (int round = 0; round < rounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(LeaveNews());
    EXPECT_GE(postgres().KillBackends(), 1);
    // Half the rounds call while the backend still dies, half after it is gone.
    if (round % 2 == 0) {
      ASSERT_TRUE(Eventually([&] { return postgres().BackendPids().empty(); }));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectRegistered(absl::StrCat("kill-", round, "@example.com")));
  }
  EXPECT_THAT(history_.Check(database_), IsEmpty());
}

}  // namespace
}  // namespace auth::testing
