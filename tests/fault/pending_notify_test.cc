// A session dies with something unread before its end, so that its socket looks as that of a
// session that merely has news. The service itself never listens; an extension, a trigger of
// somebody else, or a pool that is shared with other code, may make it.

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "pool/effect.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"
#include "tests/support/test_store.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

pool::PoolOptions OneConnection() {
  pool::PoolOptions options;
  options.max_connections = 1;
  return options;
}

// On the pool alone, whose one connection listens because we say so.
class PendingNotify : public PostgresTest {
 protected:
  // Registers a user, on the pool's one connection or the one that follows it.
  void ExpectRegistered(const std::string& email) {
    const account::NewUser user = MakeNewUser(email);
    const auto result = store_.store().Register({store_.In(seconds(10))}, user);
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->kind, account::RegisterResult::Kind::kCreated);
    RegisterAttempt attempt;
    attempt.request.set_email(email);
    attempt.response.mutable_user()->set_id(user.id.ToString());
    attempt.response.mutable_session()->set_id(user.session.id.ToString());
    history_.Record(attempt);
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

  // The service begins where the pool ends.
  void ExpectServed() {
    auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url_}));
    ASSERT_THAT(server, IsOk());
    ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
  }

  const std::string url_ = postgres().CreateDatabase();
  SqlConnection database_{url_};
  TestStore store_{url_, OneConnection()};
  History history_;
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
  ExpectServed();
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
  ExpectServed();
}

// The service, whose every session that has registered somebody listens: a trigger sees to that.
class PendingNotifyOfService : public PostgresTest {
 protected:
  void SetUp() override {
    auto started = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url_}));
    ASSERT_THAT(started, IsOk());
    server_ = std::make_unique<AuthServerProcess>(*std::move(started));
    stub_ = NewPlainStub(server_->grpc_address());
    database_.Execute(
        "CREATE FUNCTION listen() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'LISTEN news'; RETURN NULL; END $$;"
        "CREATE TRIGGER listen AFTER INSERT ON users EXECUTE FUNCTION listen()");
  }

  void ExpectRegistered() {
    const RegisterAttempt attempt = Register(
        stub_.get(), absl::StrCat("news-", history_.operations(), "@example.com"), "", seconds(10));
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
  }

  // How many sessions were asked before they were lent, and answered.
  double AlivePings() const {
    return server_->Metric("auth_pool_validations_total{result=\"alive\",tier=\"ping\"}");
  }

  // All of the service's sessions; how many there were.
  int KillAll() {
    database_.Execute("SELECT 1");  // so that ours is one of them
    return postgres().KillBackends() - 1;
  }

  const std::string url_ = postgres().CreateDatabase();
  SqlConnection database_{url_};
  std::unique_ptr<AuthServerProcess> server_;
  std::unique_ptr<v1::AuthService::Stub> stub_;
  History history_;
};

TEST_F(PendingNotifyOfService, AKillBehindItIsNoticedByNoCaller) {
  std::mt19937_64 random(TestSeed());
  const int rounds = ShortOrLong(100, 1000);
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const double pings = AlivePings();
    EXPECT_TRUE(Eventually([&] {
      database_.Execute("NOTIFY news");
      ExpectRegistered();
      return AlivePings() > pings;
    })) << "a session with something to read is asked, and lives";
    database_.Execute("NOTIFY news");
    LetPass(milliseconds(random() % 5));  // until the news are there, or nearly
    killed += KillAll();
    if (round % 2 == 0) {
      ASSERT_TRUE(Eventually([&] { return postgres().BackendPids().empty(); }));
    }
    ExpectRegistered();
  }
  std::printf("%d rounds, %d sessions killed, %ld registered\n", rounds, killed,
              history_.operations());
  // Now and then the pool has just recreated itself, and nothing is open.
  EXPECT_GE(killed, rounds * 9 / 10);
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

TEST_F(PendingNotifyOfService, KillsBehindItUnderRegistrationsAreNoticedByNoCaller) {
  std::mt19937_64 random(TestSeed());
  const int rounds = ShortOrLong(50, 500);
  RegistrationLoad load(server_->grpc_address(), {.clients = 8, .timeout = seconds(20)},
                        [&](const RegisterAttempt& attempt) { history_.Record(attempt); });
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto next = std::chrono::steady_clock::now() + milliseconds(100 + random() % 150);
    while (std::chrono::steady_clock::now() < next) {
      database_.Execute("NOTIFY news");
      LetPass(milliseconds(5));
    }
    killed += KillAll();
  }
  load.Stop();
  std::printf(
      "%d rounds, %d sessions killed, %.0f had news and lived, %ld registered, %ld failed\n",
      rounds, killed, AlivePings(), load.ok(), load.failed());
  EXPECT_GT(killed, rounds / 2) << "the storm must hit";
  EXPECT_GT(AlivePings(), 0);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
