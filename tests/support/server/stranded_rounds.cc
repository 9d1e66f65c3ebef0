#include "tests/support/server/stranded_rounds.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_run.h"

namespace auth::testing {

StrandedRounds::StrandedRounds(Options options)
    : options_(std::move(options)), random_(TestSeed()) {}

void StrandedRounds::LetSomeTimePass() { LetPass(std::chrono::milliseconds(random_() % 300)); }

void StrandedRounds::ExpectCallsEnd(const Fault& fault, StrandedCalls::Others others) {
  for (int round = 0; round < options_.count; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(options_.server_url));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);

    fault.strike();
    LetSomeTimePass();
    StrandedCalls calls(&*server, options_.postgres, options_.url, &history_, others);
    calls.ExpectEndedInTime();
    fault.mend();
    calls.ExpectNothingStored();
    ExpectServiceRestored(server->grpc_address(), options_.url, &history_, options_.restored);
  }
}

void StrandedRounds::ExpectOthersServed(const Fault& fault) {
  for (int round = 0; round < options_.count; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    auto server = AuthServerProcess::Start(StrandedCalls::Flags(options_.server_url));
    ASSERT_THAT(server, IsOk());
    StrandedCalls::AwaitIdleConnections(*server);
    Bystanders bystanders(&*server, &history_);

    fault.strike();
    LetSomeTimePass();
    StrandedCalls calls(&*server, options_.postgres, options_.url, &history_,
                        StrandedCalls::Others::kServed);
    bystanders.ExpectServedWell();
    calls.ExpectEndedInTime();
    ExpectServiceRestored(server->grpc_address(), options_.url, &history_, options_.restored);
    fault.mend();
    calls.ExpectNothingStored();
  }
}

}  // namespace auth::testing
