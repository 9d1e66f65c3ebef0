// The database restarts, in both of pg_ctl's ways, under callers who do not slow down.

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/outage.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using StopMode = dev::EmbeddedPostgres::StopMode;

class Restart : public ::testing::TestWithParam<StopMode> {};

TEST_P(Restart, NoCallFailsAndTheReturnIsNoticed) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url)}));
  ASSERT_THAT(server, IsOk());
  History history;
  MixedLoad load(server->grpc_address(), {}, &history);

  const int rounds = ShortOrLong(2, 30);
  for (int round = 0; round < rounds; ++round) {
    LetPass(seconds(1));
    Outage outage;
    outage.began = std::chrono::steady_clock::now();
    postgres.Stop(GetParam());
    if (round % 2 == 1) LetPass(seconds(3));  // long enough for many connects
    postgres.Restart();
    outage.over = std::chrono::steady_clock::now();
    ExpectOutageKeepsPace(outage, load, gate);
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Postgres, Restart,
                         ::testing::Values(StopMode::kFast, StopMode::kImmediate),
                         [](const ::testing::TestParamInfo<StopMode>& mode) {
                           return mode.param == StopMode::kFast ? "Fast" : "Immediate";
                         });

}  // namespace
}  // namespace auth::testing
