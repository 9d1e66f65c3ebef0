// The database has no connection to spare (53300): others took them all, or left us a few.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/database_role.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectionLimit : public ::testing::Test {
 protected:
  ConnectionLimit()
      : postgres_(TestPostgres::Settings{{"max_connections", "20"}}),
        role_(&postgres_, postgres_.CreateDatabase()) {}

  // Connects as an ordinary role until the server refuses.
  void TakeAll() {
    for (;;) {
      auto other = std::make_unique<SqlConnection>(role_.url() + "?application_name=other");
      try {
        other->Execute("SELECT 1");
      } catch (const std::runtime_error& refusal) {
        ASSERT_TRUE(absl::StrContains(refusal.what(), "remaining connection slots are reserved"))
            << refusal.what();
        return;
      }
      others_.push_back(std::move(other));
    }
  }

  // Gives all of them back.
  void ReleaseAll() {
    others_.clear();
    ASSERT_TRUE(Eventually([this] { return SessionsOf("other") == 0; }));
  }

  int SessionsOf(const std::string& application) {
    return std::stoi(postgres_.QueryValue(absl::StrCat(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '", application, "'")));
  }
  int OurSessions() { return SessionsOf("auth_server"); }

  void KillOurSessions() {
    postgres_.Execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'auth_server'");
  }

  // Somebody who asks now is served after all who wait with an earlier deadline: nobody is left of
  // the outage. Returns how long that took.
  std::chrono::duration<double> AwaitNewcomer(v1::AuthService::Stub* stub) {
    const auto asked = std::chrono::steady_clock::now();
    const RegisterAttempt attempt = Register(
        stub, absl::StrCat("newcomer-", history_.operations(), "@example.com"), "", seconds(15));
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
    return std::chrono::steady_clock::now() - asked;
  }

  double Refusals(const AuthServerProcess& server) {
    return server.Metric("auth_pool_connect_failures_total{class=\"server_full\"}");
  }

  std::mt19937_64 random_{TestSeed()};
  TestPostgres postgres_;
  DatabaseRole role_;
  std::vector<std::unique_ptr<SqlConnection>> others_;
  History history_;
};

TEST_F(ConnectionLimit, CallersWaitUntilOneIsFree) {
  TcpGate gate(postgres_.port());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(role_.url())}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);
  const auto newcomer = NewPlainStub(server->grpc_address());

  std::chrono::duration<double> longest{};
  const int rounds = ShortOrLong(1, 25);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    // Nobody of us gets in while the others help themselves.
    gate.Refuse();
    KillOurSessions();
    ASSERT_TRUE(Eventually([&] { return OurSessions() == 0; }));
    ASSERT_NO_FATAL_FAILURE(TakeAll());
    gate.Accept();
    const double before = Refusals(*server);
    LetPass(seconds(3));
    EXPECT_GE(Refusals(*server) - before, 5) << "refused for lack of connections";
    const auto freed = std::chrono::steady_clock::now();
    ASSERT_NO_FATAL_FAILURE(ReleaseAll());
    EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(freed) != MixedLoad::TimePoint::max(); },
                           seconds(10)));
    longest = std::max(longest, AwaitNewcomer(newcomer.get()));
    LetPass(milliseconds(1000 + random_() % 1000));
  }

  load.Stop();
  std::printf(
      "%d rounds, %.0f connects refused, newcomers served after %.2f s at the latest, %ld calls "
      "OK, "
      "%ld failed\n",
      rounds, Refusals(*server), longest.count(), load.ok(), load.failed());
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), role_.url(), &history_, seconds(5));
}

TEST_F(ConnectionLimit, AFewForUsServeAll) {
  auto server = AuthServerProcess::Start(
      WithCheapHashing({"--database-url=" + role_.url(), "--pool-idle-timeout=1h"}));
  ASSERT_THAT(server, IsOk());
  const int rounds = ShortOrLong(1, 20);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_NO_FATAL_FAILURE(TakeAll());
    const int ours = OurSessions();
    ASSERT_GE(ours, 1);
    MixedLoad load(server->grpc_address(),
                   {.registrations_per_second = 40,
                    .validations_per_second = 160,
                    .email_prefix = absl::StrCat("few-", round)},
                   &history_);
    LetPass(seconds(3));
    load.Stop();

    std::printf("%ld calls by %d connections, %.0f more were refused; %ld failed\n", load.ok(),
                OurSessions(), Refusals(*server), load.failed());
    EXPECT_EQ(OurSessions(), ours) << "those that are there stay";
    EXPECT_EQ(load.failed(), 0) << load.failures();
    ASSERT_NO_FATAL_FAILURE(ReleaseAll());
    ExpectServiceRestored(server->grpc_address(), role_.url(), &history_, seconds(5));
  }
}

}  // namespace
}  // namespace auth::testing
