// What operators see, on the real server: that it is true, and that it is there when it is needed.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::StartsWith;

constexpr const char* kPaths[] = {"/livez",     "/readyz",       "/health/database",   "/metrics",
                                  "/dashboard", "/debug/config", "/dashboard/snapshot"};

class OperationsTest : public PostgresTest {
 protected:
  OperationsTest() : url_(postgres().CreateDatabase()) {}

  AuthServerProcess StartServer(std::vector<std::string> flags) {
    flags.push_back("--database-url=" + url_);
    auto server = AuthServerProcess::Start(std::move(flags));
    if (!server.ok()) throw std::runtime_error(server.status().ToString());
    return *std::move(server);
  }

  const std::string url_;
};

// The samples of /metrics by their full names.
std::map<std::string, double> Samples(const std::string& page) {
  std::map<std::string, double> samples;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    samples[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
  }
  return samples;
}

// Asks for every path, and answers the longest time that one took.
milliseconds SlowestAnswer(const AuthServerProcess& server) {
  milliseconds slowest{};
  for (const char* path : kPaths) {
    const auto begin = steady_clock::now();
    EXPECT_THAT(Ask(server.ops_port(), "GET", path), StartsWith("HTTP/1.1 200 ")) << path;
    slowest =
        std::max(slowest, std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin));
  }
  return slowest;
}

TEST_F(OperationsTest, DashboardAndMetricsWithTheSameNumberAgree) {
  const AuthServerProcess server = StartServer(WithCheapHashing({}));
  const auto stub = NewPlainStub(server.grpc_address());
  std::atomic<bool> stop = false;
  std::thread traffic([&] {
    for (int i = 0; !stop; ++i) {
      Register(stub.get(), absl::StrCat("user", i, "@example.com"), "", seconds(10));
    }
  });
  int compared = 0;
  EXPECT_TRUE(Eventually([&] {
    const json shown = json::parse(server.HttpGet("/dashboard/snapshot"), nullptr, false);
    const auto samples = Samples(server.HttpGet("/metrics"));
    if (shown.is_discarded() || samples.at("auth_snapshot_sequence") != shown["sequence"])
      return false;
    for (const auto& [state, key] : {std::pair("idle", "idle"), {"in_use", "inUse"}}) {
      EXPECT_EQ(samples.at(absl::StrCat("auth_pool_connections{state=\"", state, "\"}")),
                shown["pool"][key]);
    }
    EXPECT_EQ(samples.at("auth_pool_acquire_seconds_count"), shown["acquire"]["count"]);
    EXPECT_EQ(samples.at("auth_hash_seconds_count"), shown["hash"]["count"]);
    for (const json& calls : shown["calls"]) {
      if (calls["rpc"] != "Register") continue;
      double total = 0;
      for (const auto& [name, value] : samples) {
        const bool counts = name.rfind("auth_rpc_requests_total", 0) == 0;
        if (counts && name.find("rpc=\"Register\"") != std::string::npos) total += value;
      }
      EXPECT_EQ(total, calls["total"]);
    }
    return ++compared >= 20;
  }));
  stop = true;
  traffic.join();
}

// What /metrics counts when all backends are killed between calls, and nothing else.
TEST_F(OperationsTest, AKillOfAllBackendsMovesExactlyTheDocumentedCounters) {
  const AuthServerProcess server = StartServer(WithCheapHashing({}));
  const auto stub = NewPlainStub(server.grpc_address());
  const auto registered = Register(stub.get(), "ada@example.com", "", seconds(10));
  ASSERT_TRUE(registered.status.ok());
  const std::string& token = registered.response.session().session_token();
  ASSERT_TRUE(Validate(stub.get(), token, seconds(10)).ok());
  std::map<std::string, double> before;
  ASSERT_TRUE(Eventually([&] {
    before = Samples(server.HttpGet("/metrics"));
    return before.at("auth_rpc_requests_total{code=\"OK\",rpc=\"ValidateSession\"}") == 1;
  }));
  ASSERT_EQ(before.at("auth_pool_connections{state=\"idle\"}"), 1);

  ASSERT_EQ(postgres().KillBackends(), 1);
  // Whoever looks at the metrics has the pool look at its sockets.
  ASSERT_TRUE(
      Eventually([&] { return server.Metric("auth_pool_connections{state=\"idle\"}") == 0; }));
  ASSERT_TRUE(Validate(stub.get(), token, seconds(10)).ok());
  // A page shows what was a moment ago.
  constexpr char kOk[] = "auth_rpc_requests_total{code=\"OK\",rpc=\"ValidateSession\"}";
  std::map<std::string, double> after;
  ASSERT_TRUE(Eventually([&] {
    after = Samples(server.HttpGet("/metrics"));
    return after.at(kOk) > before.at(kOk);
  }));
  std::map<std::string, double> moved;
  for (const auto& [name, value] : after) {
    const bool counter = name.find("_total") != std::string::npos ||
                         name.find("_count") != std::string::npos ||
                         name.rfind("auth_pool_generation", 0) == 0;
    if (counter && name.rfind("auth_", 0) == 0 && value != before.at(name)) {
      moved[name] = value - before.at(name);
    }
  }
  // The call's own.
  EXPECT_EQ(moved["auth_rpc_requests_total{code=\"OK\",rpc=\"ValidateSession\"}"], 1);
  EXPECT_EQ(moved["auth_rpc_duration_seconds_count{rpc=\"ValidateSession\"}"], 1);
  EXPECT_EQ(moved["auth_queue_wait_seconds_count"], 1);
  EXPECT_EQ(moved["auth_store_seconds_count"], 1);
  EXPECT_EQ(moved["auth_pool_acquire_seconds_count"], 1);
  EXPECT_EQ(moved["auth_tx_attempts_total{effect=\"read_only\",result=\"ok\"}"], 1);
  // The kill's.
  EXPECT_EQ(moved["auth_pool_retired_total{reason=\"closed_by_server\"}"], 1);
  EXPECT_EQ(moved["auth_pool_connect_seconds_count"], 1);
  // A look finds the dead connection, and so may the pictures taken of the pool.
  EXPECT_GE(moved["auth_pool_validations_total{result=\"dead\",tier=\"peek\"}"], 1);
  for (const char* known :
       {"auth_rpc_requests_total{code=\"OK\",rpc=\"ValidateSession\"}",
        "auth_rpc_duration_seconds_count{rpc=\"ValidateSession\"}", "auth_queue_wait_seconds_count",
        "auth_store_seconds_count", "auth_pool_acquire_seconds_count",
        "auth_tx_attempts_total{effect=\"read_only\",result=\"ok\"}",
        "auth_pool_retired_total{reason=\"closed_by_server\"}", "auth_pool_connect_seconds_count",
        "auth_pool_validations_total{result=\"dead\",tier=\"peek\"}",
        "auth_pool_validations_total{result=\"alive\",tier=\"peek\"}"}) {
    moved.erase(known);
  }
  for (const auto& [name, by] : moved) ADD_FAILURE() << name << " moved by " << by;
}

TEST_F(OperationsTest, NoPageShowsASecretOrAUser) {
  const AuthServerProcess server = StartServer(WithCheapHashing({}));
  const auto stub = NewPlainStub(server.grpc_address());
  const auto registered = Register(stub.get(), "canary.ada@example.com", "", seconds(10));
  ASSERT_TRUE(registered.status.ok());
  const std::string password = url_.substr(url_.find(':', url_.find("://") + 3) + 1);
  for (const char* path : kPaths) {
    const std::string page = server.HttpGet(path);
    EXPECT_EQ(page.find("canary"), std::string::npos) << path;
    EXPECT_EQ(page.find(kGoodPassword), std::string::npos) << path;
    EXPECT_EQ(page.find(registered.response.session().session_token()), std::string::npos) << path;
    EXPECT_EQ(page.find(":" + password.substr(0, password.find('@')) + "@"), std::string::npos)
        << path;
  }
}

// Runs alone: it measures.
TEST_F(OperationsTest, BoundedAnswersWhileRegistrationsQueue) {
  const AuthServerProcess server = StartServer({});
  // A connection takes 100 calls at once.
  std::vector<std::unique_ptr<v1::AuthService::Stub>> stubs;
  stubs.reserve(4);
  for (int i = 0; i < 4; ++i) stubs.push_back(NewPlainStub(server.grpc_address()));
  std::atomic<int> answered = 0;
  constexpr int kCalls = 256;
  struct Call {
    grpc::ClientContext context;
    v1::RegisterRequest request;
    v1::RegisterResponse response;
  };
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < kCalls; ++i) {
    auto& call = calls.emplace_back(std::make_unique<Call>());
    call->request.set_email(absl::StrCat("user", i, "@example.com"));
    call->request.set_password(kGoodPassword);
    call->context.set_deadline(std::chrono::system_clock::now() + seconds(15));
    stubs[static_cast<size_t>(i) % stubs.size()]->async()->Register(
        &call->context, &call->request, &call->response,
        [&answered](const grpc::Status&) { ++answered; });
  }
  ASSERT_TRUE(Eventually([&] { return server.Metric("auth_worker_queue{pool=\"hash\"}") > 100; }));
  std::vector<milliseconds> slowest;
  slowest.reserve(5);
  for (int i = 0; i < 5; ++i) slowest.push_back(SlowestAnswer(server));
  const bool still_queued = server.Metric("auth_worker_queue{pool=\"hash\"}") > 0;
  EXPECT_TRUE(Eventually([&] { return answered == kCalls; }, seconds(30)));
  std::sort(slowest.begin(), slowest.end());
  std::printf("slowest endpoint while %d registrations queue: median %ld ms, most %ld ms\n", kCalls,
              slowest[2].count(), slowest[4].count());
  EXPECT_TRUE(still_queued);
  EXPECT_LT(slowest[2], milliseconds(50));
}

// Runs alone: it measures.
TEST_F(OperationsTest, BoundedAnswersBesideSilentSlowAndMalformedClients) {
  const AuthServerProcess server = StartServer(WithCheapHashing({}));
  const auto stub = NewPlainStub(server.grpc_address());
  std::vector<RawConnection> silent;
  std::vector<RawConnection> slow;  // ask, and never read
  silent.reserve(1000);
  slow.reserve(20);
  for (const int port : {server.ops_port(), server.http_port()}) {
    for (int i = 0; i < 500; ++i) silent.emplace_back(port);
  }
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(server.ops_port());
    for (int j = 0; j < 20; ++j) slow.back().Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  std::atomic<bool> stop = false;
  std::vector<std::thread> dashboards;
  dashboards.reserve(20);
  for (int i = 0; i < 20; ++i) {
    dashboards.emplace_back([&] {
      while (!stop) {
        Ask(server.ops_port(), "GET", "/dashboard/snapshot");
        LetPass(milliseconds(1000));
      }
    });
  }
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::thread noise([&] {
    std::mt19937 random(seed);
    const std::string good = "POST /auth/signup HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    for (int i = 0; i < 10'000; ++i) {
      std::string request = good;
      for (std::size_t flips = random() % 8 + 1; flips > 0; --flips) {
        request[random() % request.size()] = static_cast<char>(random());
      }
      RawConnection(i % 2 == 0 ? server.ops_port() : server.http_port()).Send(request);
    }
    stop = true;
  });
  std::vector<milliseconds> livez;
  int failed = 0;
  for (int i = 0; !stop || i < 20; ++i) {
    const auto begin = steady_clock::now();
    EXPECT_THAT(Ask(server.ops_port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
    livez.push_back(std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin));
    failed +=
        Register(stub.get(), absl::StrCat("user", i, "@example.com"), "", seconds(10)).status.ok()
            ? 0
            : 1;
  }
  noise.join();
  for (std::thread& dashboard : dashboards) dashboard.join();
  std::sort(livez.begin(), livez.end());
  std::printf("%zu probes beside them: /livez p99 %ld ms, most %ld ms\n", livez.size(),
              livez[livez.size() * 99 / 100].count(), livez.back().count());
  EXPECT_EQ(failed, 0);
  EXPECT_LT(livez.back(), milliseconds(kAddressSanitizer ? 300 : 100));
}

}  // namespace
}  // namespace auth::testing
