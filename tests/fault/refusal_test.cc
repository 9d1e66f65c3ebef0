// What the service cannot do in time it refuses at once, and says when to come back: the database
// has been away for longer than callers should wait, or too many wait already.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/logged_calls.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kCallers = 2;
constexpr double kRefusedWithinMs = 5;
constexpr int kMostConnectsASecond = 5;
constexpr seconds kPatience(15);

class Refusal : public ::testing::Test {
 protected:
  void StartServer(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--database-url=" + gate_.Through(url_), "--rate-limit=off"});
    auto started = AuthServerProcess::Start(WithCheapHashing(std::move(flags)));
    ASSERT_THAT(started, IsOk());
    server_.emplace(*std::move(started));
    const auto stub = NewPlainStub(server_->grpc_address());
    const RegisterAttempt attempt = Register(stub.get(), "before@example.com", "", kPatience);
    history_.Record(attempt);
    ASSERT_TRUE(attempt.status.ok()) << attempt.status.error_message();
    token_ = attempt.response.session().session_token();
  }

  // Calls for as long as several probes take, and all must be refused at once with `code` and
  // `reason`, as their callers see it.
  void ExpectRefused(grpc::StatusCode code, const std::string& reason) {
    const auto end = std::chrono::steady_clock::now() + ShortOrLong(seconds(2), seconds(60));
    std::vector<std::thread> callers;
    callers.reserve(kCallers);
    std::atomic<int> other = 0;
    Mutex mutex;
    std::vector<double> milliseconds_taken;
    for (int caller = 0; caller < kCallers; ++caller) {
      callers.emplace_back([&] {
        const auto stub = NewPlainStub(server_->grpc_address());
        for (auto sent = std::chrono::steady_clock::now(); sent < end;
             sent = std::chrono::steady_clock::now()) {
          const grpc::Status status = Validate(stub.get(), token_, kPatience);
          const std::chrono::duration<double, std::milli> took =
              std::chrono::steady_clock::now() - sent;
          const bool as_expected = status.error_code() == code && ReasonOf(status) == reason &&
                                   RetryDelayOf(status) > milliseconds(0);
          if (!as_expected) ++other;
          MutexLock lock(&mutex);
          milliseconds_taken.push_back(took.count());
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(other, 0) << "calls that were not refused with " << reason << " and a RetryInfo";
    std::sort(milliseconds_taken.begin(), milliseconds_taken.end());
    const double p99 = Quantile(milliseconds_taken, 0.99);
    std::printf("%zu calls refused, p99 after %.2f ms\n", milliseconds_taken.size(), p99);
    EXPECT_LE(p99, kRefusedWithinMs);
  }

  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port()};
  std::optional<AuthServerProcess> server_;
  std::string token_;
  History history_;
};

// Whether the connects of the outage are refused at once, or accepted and never answered.
class RefusalInAnOutage : public Refusal, public ::testing::WithParamInterface<bool> {};

TEST_P(RefusalInAnOutage, IsQuickAndOneProbeLooksForTheReturn) {
  ASSERT_NO_FATAL_FAILURE(
      StartServer({"--pool-outage-patience=1s", "--pool-connect-timeout=500ms"}));
  const bool silent = GetParam();
  gate_.Close();
  if (silent) {
    gate_.Hold();
  } else {
    gate_.Refuse();
  }

  const auto began = std::chrono::steady_clock::now();
  const grpc::Status patient =
      Validate(NewPlainStub(server_->grpc_address()).get(), token_, kPatience);
  const auto waited = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(ReasonOf(patient), "DATABASE_UNAVAILABLE") << patient.error_message();
  EXPECT_GE(waited, seconds(1)) << "callers wait as long as the patience lasts";
  EXPECT_LE(waited, seconds(4));

  std::atomic<bool> done = false;
  double most_at_once = 0;
  std::thread watch([&] {
    while (!done) {
      most_at_once =
          std::max(most_at_once, server_->Metric("auth_pool_connections{state=\"connecting\"}"));
      // The callers' time is measured: this must not take their processor.
      LetPass(milliseconds(10));
    }
  });
  ExpectRefused(grpc::StatusCode::UNAVAILABLE, "DATABASE_UNAVAILABLE");
  done = true;
  watch.join();
  EXPECT_LE(most_at_once, 1) << "one probe at a time";
  if (silent) {
    EXPECT_EQ(most_at_once, 1) << "a probe waits for an answer";
  }
  EXPECT_LE(MostWithin(gate_.accepted(), seconds(1)), kMostConnectsASecond);

  gate_.Resume();
  gate_.Accept();
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Connects, RefusalInAnOutage, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& silent) {
                           return silent.param ? "Silent" : "Refused";
                         });

TEST_F(Refusal, BeyondTheBoundOfWaitersIsQuickAndTheOthersAreServed) {
  constexpr int kAdmitted = 2 + 8;
  ASSERT_NO_FATAL_FAILURE(StartServer({"--pool-max-connections=2", "--pool-max-waiters=8"}));
  SqlConnection other(url_);
  other.Execute("BEGIN; LOCK TABLE users IN SHARE MODE");
  std::vector<std::future<RegisterAttempt>> admitted;
  for (int i = 0; i < kAdmitted; ++i) {
    admitted.push_back(std::async(std::launch::async, [this, i] {
      const auto stub = NewPlainStub(server_->grpc_address());
      return Register(stub.get(), absl::StrCat("admitted-", i, "@example.com"), "", kPatience);
    }));
    // One after the other, so that none of them is one too many.
    ASSERT_TRUE(Eventually([&] {
      return server_->Metric("auth_worker_running{pool=\"store\"}") +
                 server_->Metric("auth_worker_queue{pool=\"store\"}") ==
             i + 1;
    })) << server_->HttpGet("/metrics");
  }
  ExpectRefused(grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED");

  other.Execute("COMMIT");
  for (auto& call : admitted) {
    const RegisterAttempt attempt = call.get();
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
  }
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
