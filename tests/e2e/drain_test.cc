// SIGTERM under load: every admitted call finishes, the next one is refused, nothing is lost.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/history.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

constexpr int kCalls = 32;
constexpr int kConnections = 4;
constexpr std::chrono::seconds kPatience(60);  // sanitizer builds on a busy machine
// The calls wait for a lock longer than the pool's own settings allow.
constexpr char kNoTimeouts[] = "?options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0";

class DrainTest : public PostgresTest {};

// Why a call that needs neither a worker nor the database is refused.
std::string ReasonOfARefusal(v1::AuthService::Stub* stub) {
  return ReasonOf(Validate(stub, "not a token", kPatience));
}

TEST_F(DrainTest, SigtermWithThirtyTwoCallsInFlightLosesNone) {
  const std::string url = postgres().CreateDatabase();
  auto server = AuthServerProcess::Start({"--database-url=" + url + kNoTimeouts,
                                          "--max-deadline=60s", "--drain-timeout=60s",
                                          "--allow-weak-hashing", "--argon2-memory-kib=1024",
                                          absl::StrCat("--pool-max-connections=", kConnections)});
  ASSERT_THAT(server, IsOk());
  SqlConnection database(url);
  History history;

  // No call can finish while somebody else holds the table, so all of them are in flight at once.
  database.Execute("BEGIN; LOCK TABLE users IN SHARE MODE");
  std::vector<std::future<RegisterAttempt>> calls;
  calls.reserve(kCalls);
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(std::async(std::launch::async, [&server, i] {
      const auto stub = NewPlainStub(server->grpc_address());
      return Register(stub.get(), absl::StrCat("drain", i, "@example.com"), "", kPatience);
    }));
  }
  const auto probe = NewPlainStub(server->grpc_address());
  ASSERT_TRUE(Eventually(
      [&] {
        return server->Metric("auth_worker_running{pool=\"store\"}") == kConnections &&
               server->Metric("auth_worker_queue{pool=\"store\"}") == kCalls - kConnections;
      },
      kPatience))
      << server->HttpGet("/metrics");

  server->Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return ReasonOfARefusal(probe.get()) == "SHUTTING_DOWN"; }));
  const RegisterAttempt late = Register(probe.get(), "late@example.com", "", kPatience);
  EXPECT_EQ(late.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(late.status), "SHUTTING_DOWN");
  history.Record(late);

  database.Execute("COMMIT");
  for (auto& call : calls) {
    const RegisterAttempt attempt = call.get();
    EXPECT_TRUE(attempt.status.ok())
        << attempt.status.error_code() << " " << attempt.status.error_message();
    history.Record(attempt);
  }
  EXPECT_EQ(server->WaitForExit(kPatience), 0) << server->log();
  EXPECT_EQ(database.QueryValue("SELECT count(*) FROM users"), std::to_string(kCalls));
  EXPECT_EQ(history.Check(url), "");
}

}  // namespace
}  // namespace auth::testing
