// The network swallows what is sent on connections that stay open on both sides: a firewall that
// forgot them, a pulled cable.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kRestored(5);

TEST(HalfOpen, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate.Through(url)));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;

  gate.Hold();
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kWaiting);
  calls.ExpectEndedInTime();
  gate.Resume();
  calls.ExpectNothingStored();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
}

TEST(HalfOpen, OthersAreServedOnNewConnectionsMeanwhile) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate.Through(url)));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;
  Bystanders bystanders(&*server, &history);

  gate.HoldOpen();
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kServed);
  bystanders.ExpectServedWell();
  calls.ExpectEndedInTime();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
  gate.Resume();
  calls.ExpectNothingStored();
}

}  // namespace
}  // namespace auth::testing
