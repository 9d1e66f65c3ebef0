// SIGTERM under load: every admitted call finishes, the rest are refused, nothing is lost.

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

class DrainTest : public PostgresTest {};

TEST_F(DrainTest, SigtermWithThirtyTwoCallsInFlightLosesNone) {
  const std::string url = postgres().CreateDatabase();
  auto server = AuthServerProcess::Start({"--database-url=" + url});
  ASSERT_THAT(server, IsOk());
  const std::string address = server->grpc_address();

  constexpr int kCalls = 32;
  std::mutex mutex;
  std::set<std::string> stored;
  std::atomic<int> lost = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&, i] {
      const auto stub = NewPlainStub(address);
      const auto attempt = Register(stub.get(), absl::StrCat("drain", i, "@example.com"), "",
                                    std::chrono::seconds(30));
      std::lock_guard<std::mutex> lock(mutex);
      if (attempt.status.ok()) {
        stored.insert(attempt.response.user().id());
      } else if (attempt.status.error_code() != grpc::StatusCode::UNAVAILABLE) {
        ++lost;
      }
    });
  }
  // Some are done, most are admitted and wait for a hash worker.
  ASSERT_TRUE(Eventually([&] { return server->Metric("auth_worker_queue{pool=\"hash\"}") >= 4; }))
      << server->HttpGet("/metrics");
  server->Signal(SIGTERM);
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(server->WaitForExit(), 0) << server->log();
  EXPECT_EQ(lost, 0);
  EXPECT_GE(stored.size(), 5u) << "those that were admitted must have been served";
  SqlConnection database(url);
  EXPECT_EQ(database.QueryValue("SELECT count(*) FROM users"), std::to_string(stored.size()));
  for (const std::string& id : stored) {
    EXPECT_EQ(database.QueryValue("SELECT count(*) FROM users WHERE id = $1", {id}), "1");
  }
}

}  // namespace
}  // namespace auth::testing
