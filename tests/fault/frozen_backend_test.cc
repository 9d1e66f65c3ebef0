// A database that holds its connections open and does not answer (SIGSTOP).

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

constexpr int kConnections = 4;

// Durations of the Register calls that the access log tells of, in milliseconds.
std::vector<double> LoggedDurations(const std::string& log, const std::string& code) {
  std::vector<double> durations;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_object() && event.value("event", "") == "call" &&
        event.value("code", "") == code) {
      durations.push_back(event.value("duration_ms", 0.0));
    }
  }
  return durations;
}

TEST(FrozenBackend, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  auto server = AuthServerProcess::Start({"--database-url=" + url, "--max-deadline=2s",
                                          "--log-format=json", "--rate-limit=off",
                                          absl::StrCat("--pool-min-connections=", kConnections),
                                          absl::StrCat("--pool-max-connections=", kConnections)});
  ASSERT_THAT(server, IsOk());
  ASSERT_TRUE(Eventually(
      [&] { return server->Metric("auth_pool_connections{state=\"idle\"}") == kConnections; }));
  History history;

  std::vector<FrozenProcess> frozen;
  const std::vector<pid_t> backends = postgres.BackendPids();
  ASSERT_EQ(backends.size(), static_cast<size_t>(kConnections));
  for (const pid_t backend : backends) frozen.push_back(postgres.Freeze(backend));

  std::vector<std::thread> callers;
  for (int i = 0; i < kConnections; ++i) {
    callers.emplace_back([&, i] {
      const auto stub = NewPlainStub(server->grpc_address());
      history.Record(Register(stub.get(), absl::StrCat("frozen-", i, "@example.com"), "",
                              std::chrono::seconds(10)));
    });
  }
  for (std::thread& caller : callers) caller.join();

  // All is free at once, while the backends are still frozen.
  EXPECT_EQ(server->Metric("auth_pool_connections{state=\"in_use\"}"), 0);
  EXPECT_EQ(server->Metric("auth_worker_running{pool=\"store\"}"), 0);
  std::vector<double> durations;
  ASSERT_TRUE(Eventually([&] {
    durations = LoggedDurations(server->log(), "DEADLINE_EXCEEDED");
    return durations.size() == kConnections;
  })) << server->log();
  for (const double duration : durations) EXPECT_LE(duration, 2100) << "2 s + 100 ms";

  const auto stub = NewPlainStub(server->grpc_address());
  const RegisterAttempt after =
      Register(stub.get(), "meanwhile@example.com", "", std::chrono::seconds(10));
  history.Record(after);
  EXPECT_TRUE(after.status.ok()) << "new connections serve: " << after.status.error_message();

  frozen.clear();
  ASSERT_TRUE(Eventually([&] {
    for (const pid_t backend : postgres.BackendPids()) {
      if (std::find(backends.begin(), backends.end(), backend) != backends.end()) return false;
    }
    return true;
  })) << "thawed backends find their sockets closed and end";
  EXPECT_EQ(SqlConnection(url).QueryValue("SELECT count(*) FROM users WHERE email LIKE 'frozen-%'"),
            "0");
  EXPECT_EQ(history.Check(url), "");
}

}  // namespace
}  // namespace auth::testing
