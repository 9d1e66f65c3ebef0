// The bug this product was made for: the database closes idle sessions, and the next signup fails.

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

constexpr std::chrono::seconds kTimeout(10);

TEST(IdleSessionTimeout, NoGapHasAFailedCall) {
  const int gaps = ShortOrLong(20, 200);
  TestPostgres postgres(TestPostgres::Settings{{"idle_session_timeout", "1s"}});
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url}));
  ASSERT_THAT(server, IsOk());
  const auto stub = NewPlainStub(server->grpc_address());
  History history;

  for (int gap = 0; gap < gaps; ++gap) {
    ASSERT_TRUE(Eventually([&] { return postgres.BackendPids().empty(); }))
        << "the database closes what is idle";
    const RegisterAttempt attempt =
        Register(stub.get(), absl::StrCat("gap-", gap, "@example.com"), "", kTimeout);
    history.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << "gap " << gap << ": " << attempt.status.error_message();
  }
  ExpectServiceRestored(server->grpc_address(), url, &history, kTimeout);
}

}  // namespace
}  // namespace auth::testing
