#include "tests/support/server/stranded_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/logged_calls.h"
#include "tests/support/server/registration_load.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kCallersPatience(10);
constexpr double kDeadlineMs = 2000;
constexpr std::chrono::milliseconds kGrace(100);
constexpr double kGoodP99Ms = 20;
// Twice as many calls as connections: the others wait for one.
constexpr int kCalls = 2 * StrandedCalls::kConnections;
constexpr int kBystanders = 2;
constexpr int kLeastCalls = 200;

grpc::Status Validate(v1::AuthService::Stub* stub, const std::string& token) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallersPatience);
  v1::ValidateSessionRequest request;
  request.set_session_token(token);
  v1::ValidateSessionResponse response;
  return stub->ValidateSession(&context, request, &response);
}

}  // namespace

std::vector<std::string> StrandedCalls::Flags(const std::string& database_url) {
  return WithCheapHashing({"--database-url=" + database_url, "--max-deadline=2s",
                           "--log-format=json", "--rate-limit=off",
                           absl::StrCat("--pool-min-connections=", kConnections)});
}

void StrandedCalls::AwaitIdleConnections(const AuthServerProcess& server) {
  ASSERT_TRUE(Eventually(
      [&] { return server.Metric("auth_pool_connections{state=\"idle\"}") == kConnections; }));
}

StrandedCalls::StrandedCalls(AuthServerProcess* server, TestPostgres* postgres, std::string url,
                             History* history)
    : server_(server),
      postgres_(postgres),
      url_(std::move(url)),
      backends_(postgres->BackendPids()) {
  for (int i = 0; i < kCalls; ++i) {
    callers_.emplace_back([this, history, i] {
      const auto stub = NewPlainStub(server_->grpc_address());
      history->Record(
          Register(stub.get(), absl::StrCat("stranded-", i, "@example.com"), "", kCallersPatience));
    });
  }
  EXPECT_TRUE(Eventually(
      [&] { return server_->Metric("auth_pool_connections{state=\"in_use\"}") >= kConnections; }));
}

StrandedCalls::~StrandedCalls() { Join(); }

void StrandedCalls::Join() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
}

void StrandedCalls::ExpectEndedInTime() {
  Join();
  const auto all_is_free = [&] {
    return server_->Metric("auth_pool_connections{state=\"in_use\"}") == 0 &&
           server_->Metric("auth_worker_running{pool=\"store\"}") == 0;
  };
  EXPECT_TRUE(Eventually(all_is_free, kGrace));
  std::vector<double> durations;
  const auto all_logged = [&] {
    durations = DurationsOf(LoggedCalls(server_->log()), "Register", "DEADLINE_EXCEEDED");
    return durations.size() >= kConnections;
  };
  ASSERT_TRUE(Eventually(all_logged)) << server_->log();
  std::printf("%zu calls ended by their deadline, the last after %.0f ms\n", durations.size(),
              durations.back());
  EXPECT_LE(durations.back(), kDeadlineMs + static_cast<double>(kGrace.count()));
}

void StrandedCalls::ExpectNothingStored() {
  EXPECT_TRUE(Eventually(
      [&] {
        const std::vector<pid_t> now = postgres_->BackendPids();
        return std::find_first_of(now.begin(), now.end(), backends_.begin(), backends_.end()) ==
               now.end();
      },
      seconds(30)))
      << "PostgreSQL hears of the end of its connections";
  const size_t expired =
      DurationsOf(LoggedCalls(server_->log()), "Register", "DEADLINE_EXCEEDED").size();
  const size_t stored = std::stoul(
      SqlConnection(url_).QueryValue("SELECT count(*) FROM users WHERE email LIKE 'stranded-%'"));
  EXPECT_EQ(stored + expired, static_cast<size_t>(kCalls)) << "those that were told so";
}

Bystanders::Bystanders(AuthServerProcess* server, History* history) : server_(server) {
  const auto stub = NewPlainStub(server_->grpc_address());
  const RegisterAttempt attempt =
      Register(stub.get(), "bystander@example.com", "", kCallersPatience);
  history->Record(attempt);
  EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
  token_ = attempt.response.session().session_token();
  undisturbed_p99_ = Measure();
}

void Bystanders::ExpectServedWell() {
  const double p99 = Measure();
  std::printf("bystanders' p99: %.2f ms undisturbed, %.2f ms beside the fault\n", undisturbed_p99_,
              p99);
  EXPECT_LE(p99, std::max(2 * undisturbed_p99_, kGoodP99Ms));
}

double Bystanders::Measure() {
  const auto first_stub = NewPlainStub(server_->grpc_address());
  EXPECT_TRUE(Validate(first_stub.get(), token_).ok());
  const size_t before = LoggedCalls(server_->log()).size();

  std::atomic<size_t> done = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kBystanders; ++i) {
    callers.emplace_back([&] {
      const auto stub = NewPlainStub(server_->grpc_address());
      const auto end = steady_clock::now() + seconds(1);
      do {
        if (!Validate(stub.get(), token_).ok()) ++failed;
      } while (++done < kLeastCalls || steady_clock::now() < end);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);

  std::vector<LoggedCall> calls;
  EXPECT_TRUE(Eventually([&] {
    calls = LoggedCalls(server_->log());
    return calls.size() >= before + done;
  }));
  calls.erase(calls.begin(), calls.begin() + static_cast<ptrdiff_t>(before));
  return Quantile(DurationsOf(calls, "ValidateSession", "OK"), 0.99);
}

}  // namespace auth::testing
