// The network swallows what is sent on connections that stay open on both sides: a firewall that
// forgot them, a pulled cable.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/server/stranded_rounds.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

class HalfOpen : public ::testing::Test {
 protected:
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port()};
  StrandedRounds rounds_{{.count = ShortOrLong(1, 25),
                          .postgres = &postgres_,
                          .url = url_,
                          .server_url = gate_.Through(url_)}};
};

TEST_F(HalfOpen, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  rounds_.ExpectCallsEnd({.strike = [this] { gate_.Hold(); }, .mend = [this] { gate_.Resume(); }},
                         StrandedCalls::Others::kWaiting);
}

TEST_F(HalfOpen, OthersAreServedOnNewConnectionsMeanwhile) {
  rounds_.ExpectOthersServed(
      {.strike = [this] { gate_.HoldOpen(); }, .mend = [this] { gate_.Resume(); }});
}

}  // namespace
}  // namespace auth::testing
