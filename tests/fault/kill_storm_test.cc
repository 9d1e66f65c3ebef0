// Backends are killed at random moments, up to ten times a second, under registering clients.

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

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

namespace auth::testing {
namespace {

TEST(KillStorm, NoRegistrationFailsAndNoneIsLostOrDoubled) {
  std::mt19937_64 random(TestSeed());
  const int rounds = ShortOrLong(120, 1000);

  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url}));
  ASSERT_THAT(server, IsOk());
  History history;
  RegistrationLoad load(server->grpc_address(), {.clients = 8, .timeout = std::chrono::seconds(20)},
                        [&](const RegisterAttempt& attempt) { history.Record(attempt); });

  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    killed += postgres.KillBackends();
    // The pause between rounds is the fault's own rhythm: at least 100 ms, so that there are at
    // most ten rounds a second.
    LetPass(std::chrono::milliseconds(100 + random() % 150));
  }
  load.Stop();
  std::printf("%d rounds, %d backends killed, %ld registered, %ld failed\n", rounds, killed,
              load.ok(), load.failed());

  EXPECT_GT(killed, rounds / 2) << "the storm must hit";
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_GT(load.ok(), rounds);
  ExpectServiceRestored(server->grpc_address(), url, &history, std::chrono::seconds(5));
}

}  // namespace
}  // namespace auth::testing
