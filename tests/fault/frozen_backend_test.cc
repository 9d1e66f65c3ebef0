// A database that holds its connections open and does not answer (SIGSTOP).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/server/stranded_rounds.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

class FrozenBackend : public ::testing::Test {
 protected:
  StrandedRounds::Fault Freeze() {
    return {.strike =
                [this] {
                  ASSERT_TRUE(Eventually([this] {
                    return postgres_.BackendPids().size() ==
                           static_cast<size_t>(StrandedCalls::kConnections);
                  })) << "those of the last round have ended";
                  frozen_ = postgres_.FreezeBackends();
                },
            .mend = [this] { frozen_.clear(); }};
  }

  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  std::vector<FrozenProcess> frozen_;
  StrandedRounds rounds_{
      {.count = ShortOrLong(1, 25), .postgres = &postgres_, .url = url_, .server_url = url_}};
};

TEST_F(FrozenBackend, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  rounds_.ExpectCallsEnd(Freeze(), StrandedCalls::Others::kServed);
}

TEST_F(FrozenBackend, OthersAreServedOnNewConnectionsMeanwhile) {
  rounds_.ExpectOthersServed(Freeze());
}

}  // namespace
}  // namespace auth::testing
