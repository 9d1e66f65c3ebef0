// A network that is slow, thin, choppy, or resets connections in use. Calls take longer, and none
// fails.

#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A service behind a gate, with new connections to make, so that connecting is slow as well.
class SlowNetwork : public PostgresTest {
 protected:
  SlowNetwork() : url_(postgres().CreateDatabase()), gate_(postgres().port()) {}

  void Start() {
    auto server = AuthServerProcess::Start(
        WithCheapHashing({"--database-url=" + gate_.Through(url_), "--rate-limit=off"}));
    ASSERT_THAT(server, IsOk());
    server_.emplace(*std::move(server));
  }

  // Registers with 15 s deadlines until `wanted` are done, or one has failed.
  void ExpectRegistrationsSucceed(int clients, int64_t wanted) {
    RegistrationLoad load(server_->grpc_address(), {.clients = clients, .timeout = seconds(15)},
                          [this](const RegisterAttempt& attempt) { history_.Record(attempt); });
    EXPECT_TRUE(Eventually([&] { return load.ok() >= wanted || load.failed() > 0; }, seconds(100)));
    load.Stop();
    std::printf("%ld registered, %ld failed, %zu connections made\n", load.ok(), load.failed(),
                gate_.accepted().size());
    EXPECT_EQ(load.failed(), 0) << load.failures();
    gate_.SetWeather({});
    ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(10));
  }

  const std::string url_;
  TcpGate gate_;
  std::optional<AuthServerProcess> server_;
  History history_;
};

TEST_F(SlowNetwork, TwoHundredMillisecondsGiveOrTakeAHundred) {
  Start();
  gate_.Close();
  gate_.SetWeather({.latency = milliseconds(200), .jitter = milliseconds(100), .seed = TestSeed()});
  ExpectRegistrationsSucceed(/*clients=*/8, ShortOrLong(20, 500));
}

TEST_F(SlowNetwork, OneKilobyteASecond) {
  Start();
  gate_.Close();
  gate_.SetWeather({.bytes_per_second = 1000});
  ExpectRegistrationsSucceed(/*clients=*/2, ShortOrLong(6, 100));
}

TEST_F(SlowNetwork, OneByteAtATime) {
  gate_.SetWeather({.slice = 1});
  Start();
  ExpectRegistrationsSucceed(/*clients=*/4, ShortOrLong(100, 2000));
}

TEST_F(SlowNetwork, ConnectionsAreResetInUse) {
  Start();
  std::mt19937_64 random(TestSeed());
  RegistrationLoad load(server_->grpc_address(), {.clients = 8, .timeout = seconds(15)},
                        [this](const RegisterAttempt& attempt) { history_.Record(attempt); });
  const int rounds = ShortOrLong(30, 1000);
  int resets = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto next = std::chrono::steady_clock::now() + milliseconds(50 + random() % 150);
    const int64_t before = load.ok();
    EXPECT_TRUE(Eventually([&] {
      return std::chrono::steady_clock::now() >= next && load.ok() > before;
    })) << "registrations succeed between two resets";
    resets += gate_.Reset();
  }
  load.Stop();
  std::printf("%d connections reset, %ld registered, %ld failed\n", resets, load.ok(),
              load.failed());
  EXPECT_GE(resets, rounds);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(10));
}

}  // namespace
}  // namespace auth::testing
