// The network drops packets without a word, in the kernel: nothing is acknowledged, and what was
// sent is sent again, until somebody gives up or the network is back.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/network_namespace.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

// A SYN that was lost is sent again after 1, 2, 4 s.
constexpr std::chrono::seconds kRestored(10);

TEST(BlackHole, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  NetworkNamespace network;
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port(), {.listener = network.BindTcp(), .tap = nullptr});
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate.Through(url)));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;

  network.Drop();
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kWaiting);
  calls.ExpectEndedInTime();
  network.Heal();
  calls.ExpectNothingStored();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
}

TEST(BlackHole, OthersAreServedOnNewConnectionsMeanwhile) {
  NetworkNamespace network;
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port(), {.listener = network.BindTcp(), .tap = nullptr});
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate.Through(url)));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;
  Bystanders bystanders(&*server, &history);

  network.DropFrom(gate.client_ports());
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kServed);
  bystanders.ExpectServedWell();
  calls.ExpectEndedInTime();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
  network.Heal();
  calls.ExpectNothingStored();
}

}  // namespace
}  // namespace auth::testing
