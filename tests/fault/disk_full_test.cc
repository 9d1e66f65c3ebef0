// The database's disk is full (53100): reads go on, writes are refused with a time to come back,
// and what was refused can be repeated when there is room again.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/small_disk.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience(10);
// What still fits into the last pages of tables and indexes.
constexpr int kMostThatFit = 2000;

TEST(DiskFull, WritesAreRefusedReadsGoOnAndRepeatsSucceed) {
  const SmallDisk disk;
  TestPostgres postgres;
  // Only the tables: a log that cannot be written would end PostgreSQL.
  postgres.Execute(absl::StrCat("CREATE TABLESPACE small LOCATION '", disk.path().string(), "'"));
  const std::string url = postgres.CreateDatabase("TABLESPACE small");
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url, "--rate-limit=off"}));
  ASSERT_THAT(server, IsOk());
  const auto stub = NewPlainStub(server->grpc_address());
  std::mt19937_64 random(TestSeed());
  History history;
  const RegisterAttempt before = Register(stub.get(), "before@example.com", "", kPatience);
  history.Record(before);
  ASSERT_TRUE(before.status.ok()) << before.status.error_message();

  disk.Fill();
  const auto wanted = ShortOrLong<size_t>(20, 1000);
  std::vector<RegisterAttempt> refused;
  int fitted = 0;
  for (int n = 0; refused.size() < wanted && fitted < kMostThatFit; ++n) {
    RegisterAttempt attempt = Register(stub.get(), absl::StrCat("full-", n, "@example.com"),
                                       NewRequestId(&random), kPatience);
    history.Record(attempt);
    if (attempt.status.ok()) {
      ++fitted;
      continue;
    }
    ASSERT_EQ(attempt.status.error_code(), grpc::StatusCode::UNAVAILABLE)
        << attempt.status.error_message();
    ASSERT_EQ(ReasonOf(attempt.status), "DATABASE_UNAVAILABLE");
    ASSERT_GT(RetryDelayOf(attempt.status), milliseconds(0));
    const grpc::Status read =
        Validate(stub.get(), before.response.session().session_token(), kPatience);
    ASSERT_TRUE(read.ok()) << read.error_message();
    refused.push_back(std::move(attempt));
  }
  std::printf("%d registrations still fitted, %zu were refused\n", fitted, refused.size());
  EXPECT_EQ(refused.size(), wanted);
  int ready = 0;
  server->HttpGet("/readyz", &ready);
  EXPECT_EQ(ready, 200) << "it can still read";

  disk.Free();
  for (const RegisterAttempt& attempt : refused) {
    const RegisterAttempt again =
        Register(stub.get(), attempt.request.email(), attempt.request.request_id(), kPatience);
    history.Record(again);
    EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  }
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

}  // namespace
}  // namespace auth::testing
