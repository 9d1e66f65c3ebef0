// All backends die while the service is idle, again and again. No caller may notice.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kTimeout(10);

TEST(IdleKill, NoRoundHasAFailedCall) {
  const int rounds = ShortOrLong(200, 1000);
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url}));
  ASSERT_THAT(server, IsOk());
  const auto stub = NewPlainStub(server->grpc_address());
  History history;

  int failed = 0;
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    killed += postgres.KillBackends();
    // Half the rounds call while the backends still die, half after they are gone.
    if (round % 2 == 0) {
      ASSERT_TRUE(Eventually([&] { return postgres.BackendPids().empty(); }));
    }
    const RegisterAttempt attempt =
        Register(stub.get(), absl::StrCat("idle-", round, "@example.com"), "", kTimeout);
    history.Record(attempt);
    if (!attempt.status.ok()) {
      ++failed;
      ADD_FAILURE() << "round " << round << ": " << attempt.status.error_message();
    }
  }
  std::printf("%d rounds, %d backends killed, %d calls failed\n", rounds, killed, failed);
  // Now and then the pool has just recreated itself, and nothing is open.
  EXPECT_GE(killed, rounds * 9 / 10);
  EXPECT_EQ(failed, 0);
  ExpectServiceRestored(server->grpc_address(), url, &history, kTimeout);
}

}  // namespace
}  // namespace auth::testing
