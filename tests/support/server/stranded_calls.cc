#include "tests/support/server/stranded_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/logged_calls.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kCallersPatience(10);
// Long enough for a new connection, and well before the stranded calls give theirs back.
constexpr seconds kFirstAnswer(1);
constexpr seconds kDeadline(2);
constexpr std::chrono::milliseconds kGrace(100);
constexpr double kGoodP99Ms = 20;
// Twice as many calls as connections: the others wait for one.
constexpr int kCalls = 2 * StrandedCalls::kConnections;
constexpr int kBystanders = 2;
constexpr int kLeastCalls = 200;

bool AreStranded(const AuthServerProcess& server) {
  return server.Metric("auth_pool_connections{state=\"in_use\"}") >= StrandedCalls::kConnections;
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
                             History* history, Others others)
    : server_(server),
      postgres_(postgres),
      url_(std::move(url)),
      prefix_(absl::StrCat("stranded-", history->operations(), "-")),
      backends_(postgres->BackendPids()),
      stranded_(others == Others::kServed ? kConnections : kCalls) {
  std::latch ready(kCalls);
  for (int i = 0; i < kCalls; ++i) {
    callers_.emplace_back([this, history, i, &ready] {
      const auto stub = NewPlainStub(server_->grpc_address());
      ready.count_down();
      history->Record(
          Register(stub.get(), absl::StrCat(prefix_, i, "@example.com"), "", kCallersPatience));
    });
  }
  ready.wait();
  sent_ = steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return AreStranded(*server_); }));
}

StrandedCalls::~StrandedCalls() { Join(); }

void StrandedCalls::Join() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
}

void StrandedCalls::ExpectEndedInTime() {
  const auto all_is_free = [&] {
    return server_->Metric("auth_pool_connections{state=\"in_use\"}") == 0 &&
           server_->Metric("auth_worker_running{pool=\"store\"}") == 0;
  };
  EXPECT_TRUE(Eventually(all_is_free, std::chrono::duration_cast<std::chrono::milliseconds>(
                                          sent_ + kDeadline + kGrace - steady_clock::now())));
  Join();

  std::vector<LoggedCall> calls;
  ASSERT_TRUE(Eventually([&] {
    calls = LoggedCalls(server_->log());
    return DurationsOf(calls, "Register", "DEADLINE_EXCEEDED").size() >=
           static_cast<size_t>(stranded_);
  })) << server_->log();
  const std::vector<double> durations = DurationsOf(calls, "Register", "DEADLINE_EXCEEDED");
  ASSERT_EQ(durations.size(), static_cast<size_t>(stranded_));
  std::printf("%zu calls ended by their deadline, the last after %.0f ms\n", durations.size(),
              durations.back());
  EXPECT_LE(durations.back(),
            static_cast<double>((kDeadline + kGrace) / std::chrono::milliseconds(1)));
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
  EXPECT_EQ(SqlConnection(url_).QueryValue("SELECT count(*) FROM users WHERE email LIKE $1",
                                           {prefix_ + "%"}),
            std::to_string(kCalls - stranded_))
      << "those that found another connection";
}

Bystanders::Bystanders(AuthServerProcess* server, History* history) : server_(server) {
  const auto stub = NewPlainStub(server_->grpc_address());
  const RegisterAttempt attempt =
      Register(stub.get(), absl::StrCat("bystander-", history->operations(), "@example.com"), "",
               kCallersPatience);
  history->Record(attempt);
  EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
  token_ = attempt.response.session().session_token();
  undisturbed_p99_ = Measure();
}

void Bystanders::ExpectServedWell() {
  const double p99 = Measure();
  EXPECT_TRUE(AreStranded(*server_)) << "the measurement took longer than the fault";
  std::printf("bystanders' p99: %.2f ms undisturbed, %.2f ms beside the fault\n", undisturbed_p99_,
              p99);
  EXPECT_LE(p99, std::max(2 * undisturbed_p99_, kGoodP99Ms));
}

double Bystanders::Measure() {
  const auto first_stub = NewPlainStub(server_->grpc_address());
  EXPECT_TRUE(Validate(first_stub.get(), token_, kFirstAnswer).ok());
  const size_t before = LoggedCalls(server_->log()).size();

  std::atomic<size_t> done = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> callers;
  callers.reserve(kBystanders);
  for (int i = 0; i < kBystanders; ++i) {
    callers.emplace_back([&] {
      const auto stub = NewPlainStub(server_->grpc_address());
      const auto end = steady_clock::now() + seconds(1);
      do {
        if (!Validate(stub.get(), token_, kCallersPatience).ok()) ++failed;
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
