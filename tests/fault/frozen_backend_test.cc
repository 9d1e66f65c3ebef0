// A database that holds its connections open and does not answer (SIGSTOP).

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kRestored(5);

// A server that strands its calls and is replaced, on one database with one history.
class FrozenBackend : public ::testing::Test {
 protected:
  // The moment of the calls after the fault is another one each time.
  void LetSomeTimePass() { LetPass(milliseconds(random_() % 300)); }

  const int rounds_ = ShortOrLong(1, 25);
  std::mt19937_64 random_{TestSeed()};
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  History history_;
};

TEST_F(FrozenBackend, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(url_));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);
    ASSERT_TRUE(Eventually([&] {
      return postgres_.BackendPids().size() == static_cast<size_t>(StrandedCalls::kConnections);
    })) << "those of the last round have ended";

    std::vector<FrozenProcess> frozen = postgres_.FreezeBackends();
    LetSomeTimePass();
    StrandedCalls calls(&*server, &postgres_, url_, &history_, StrandedCalls::Others::kServed);
    calls.ExpectEndedInTime();
    frozen.clear();
    calls.ExpectNothingStored();
    ExpectServiceRestored(server->grpc_address(), url_, &history_, kRestored);
  }
}

TEST_F(FrozenBackend, OthersAreServedOnNewConnectionsMeanwhile) {
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(url_));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);
    Bystanders bystanders(&*server, &history_);
    ASSERT_TRUE(Eventually([&] {
      return postgres_.BackendPids().size() == static_cast<size_t>(StrandedCalls::kConnections);
    })) << "those of the last round have ended";

    std::vector<FrozenProcess> frozen = postgres_.FreezeBackends();
    LetSomeTimePass();
    StrandedCalls calls(&*server, &postgres_, url_, &history_, StrandedCalls::Others::kServed);
    bystanders.ExpectServedWell();
    calls.ExpectEndedInTime();
    ExpectServiceRestored(server->grpc_address(), url_, &history_, kRestored);
    frozen.clear();
    calls.ExpectNothingStored();
  }
}

}  // namespace
}  // namespace auth::testing
