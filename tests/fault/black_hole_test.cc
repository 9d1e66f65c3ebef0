// The network drops packets without a word, in the kernel: nothing is acknowledged, and what was
// sent is sent again, until somebody gives up or the network is back.

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/network_namespace.h"
#include "tests/support/server/stranded_rounds.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

// A SYN that was lost is sent again after 1, 2, 4 s.
constexpr std::chrono::seconds kRestored(10);

class BlackHole : public ::testing::Test {
 protected:
  NetworkNamespace network_;
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port(), {.listener = network_.BindTcp(), .tap = nullptr}};
  StrandedRounds rounds_{{.count = ShortOrLong(1, 20),
                          .postgres = &postgres_,
                          .url = url_,
                          .server_url = gate_.Through(url_),
                          .restored = kRestored}};
};

TEST_F(BlackHole, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  rounds_.ExpectCallsEnd(
      {.strike = [this] { network_.Drop(); }, .mend = [this] { network_.Heal(); }},
      StrandedCalls::Others::kWaiting);
}

TEST_F(BlackHole, OthersAreServedOnNewConnectionsMeanwhile) {
  rounds_.ExpectOthersServed({.strike = [this] { network_.DropFrom(gate_.client_ports()); },
                              .mend = [this] { network_.Heal(); }});
}

}  // namespace
}  // namespace auth::testing
