// A database that holds its connections open and does not answer (SIGSTOP).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kRestored(5);

TEST(FrozenBackend, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(url));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;

  std::vector<FrozenProcess> frozen = postgres.FreezeBackends();
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kServed);
  calls.ExpectEndedInTime();
  frozen.clear();
  calls.ExpectNothingStored();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
}

TEST(FrozenBackend, OthersAreServedOnNewConnectionsMeanwhile) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start(StrandedCalls::Flags(url));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  History history;
  Bystanders bystanders(&*server, &history);

  std::vector<FrozenProcess> frozen = postgres.FreezeBackends();
  StrandedCalls calls(&*server, &postgres, url, &history, StrandedCalls::Others::kServed);
  bystanders.ExpectServedWell();
  calls.ExpectEndedInTime();
  ExpectServiceRestored(server->grpc_address(), url, &history, kRestored);
  frozen.clear();
  calls.ExpectNothingStored();
}

}  // namespace
}  // namespace auth::testing
