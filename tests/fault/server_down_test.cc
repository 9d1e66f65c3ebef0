// The database is away for ten seconds. Callers with time left wait through it.

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

TEST(ServerDown, TenSecondsWithoutAFailedCall) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url)}));
  ASSERT_THAT(server, IsOk());
  History history;
  MixedLoad load(server->grpc_address(), {}, &history);

  const int rounds = ShortOrLong(1, 10);
  for (int round = 0; round < rounds; ++round) {
    LetPass(seconds(1));
    Outage outage;
    outage.began = std::chrono::steady_clock::now();
    postgres.Stop();
    LetPass(seconds(10));
    postgres.Restart();
    outage.over = std::chrono::steady_clock::now();
    ExpectOutageKeepsPace(outage, load, gate);
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

}  // namespace
}  // namespace auth::testing
