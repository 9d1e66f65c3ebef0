// Backends are killed at random moments, up to ten times a second, under registering clients.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kStorm(20);

uint64_t Seed() {
  const char* given = std::getenv("TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

TEST(KillStorm, NoRegistrationFailsAndNoneIsLostOrDoubled) {
  const uint64_t seed = Seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);

  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start({"--database-url=" + url});
  ASSERT_THAT(server, IsOk());
  History history;
  RegistrationLoad load(server->grpc_address(), {.clients = 8, .timeout = std::chrono::seconds(20)},
                        [&](const RegisterAttempt& attempt) { history.Record(attempt); });

  const auto end = std::chrono::steady_clock::now() + kStorm;
  int rounds = 0;
  int killed = 0;
  while (std::chrono::steady_clock::now() < end) {
    killed += postgres.KillBackends();
    ++rounds;
    // The pause between rounds is the fault's own rhythm: at least 100 ms, so that there are at
    // most ten rounds a second.
    const std::chrono::milliseconds pause(100 + random() % 150);
    const auto next = std::chrono::steady_clock::now() + pause;
    (void)Eventually([&] { return std::chrono::steady_clock::now() >= next; });
  }
  load.Stop();
  std::printf("%d rounds, %d backends killed, %ld registered, %ld failed, seed %lu\n", rounds,
              killed, load.ok(), load.failed(), seed);

  EXPECT_GT(killed, rounds / 2) << "the storm must hit";
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_GT(load.ok(), 100);
  const auto stub = NewPlainStub(server->grpc_address());
  const RegisterAttempt after =
      Register(stub.get(), "after@example.com", "", std::chrono::seconds(5));
  history.Record(after);
  EXPECT_TRUE(after.status.ok()) << "service is restored";
  EXPECT_EQ(history.Check(url), "");
}

}  // namespace
}  // namespace auth::testing
