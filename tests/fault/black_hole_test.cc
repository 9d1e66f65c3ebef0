// The network drops packets without a word, in the kernel: nothing is acknowledged, and what was
// sent is sent again, until somebody gives up or the network is back.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/network_namespace.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;

// A SYN that was lost is sent again after 1, 2, 4 s.
constexpr std::chrono::seconds kRestored(10);

// A server that strands its calls and is replaced, on one database with one history.
class BlackHole : public ::testing::Test {
 protected:
  // The moment of the calls after the fault is another one each time.
  void LetSomeTimePass() { LetPass(milliseconds(random_() % 300)); }

  const int rounds_ = ShortOrLong(1, 20);
  std::mt19937_64 random_{TestSeed()};
  NetworkNamespace network_;
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port(), {.listener = network_.BindTcp(), .tap = nullptr}};
  History history_;
};

TEST_F(BlackHole, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate_.Through(url_)));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);

    network_.Drop();
    LetSomeTimePass();
    StrandedCalls calls(&*server, &postgres_, url_, &history_, StrandedCalls::Others::kWaiting);
    calls.ExpectEndedInTime();
    network_.Heal();
    calls.ExpectNothingStored();
    ExpectServiceRestored(server->grpc_address(), url_, &history_, kRestored);
  }
}

TEST_F(BlackHole, OthersAreServedOnNewConnectionsMeanwhile) {
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(gate_.Through(url_)));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);
    Bystanders bystanders(&*server, &history_);

    network_.DropFrom(gate_.client_ports());
    LetSomeTimePass();
    StrandedCalls calls(&*server, &postgres_, url_, &history_, StrandedCalls::Others::kServed);
    bystanders.ExpectServedWell();
    calls.ExpectEndedInTime();
    ExpectServiceRestored(server->grpc_address(), url_, &history_, kRestored);
    network_.Heal();
    calls.ExpectNothingStored();
  }
}

}  // namespace
}  // namespace auth::testing
