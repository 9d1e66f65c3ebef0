// A serverless database that was suspended: it accepts connections and is silent until it is awake.

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kCallers = 50;
constexpr int kMostConnectsASecond = 5;

class ColdStart : public ::testing::TestWithParam<milliseconds> {
 protected:
  // Fifty callers ask at once, and all are served.
  void ExpectAllServed(const std::string& address, int round) {
    std::vector<RegisterAttempt> attempts(kCallers);
    std::vector<std::thread> callers;
    callers.reserve(kCallers);
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        const auto stub = NewPlainStub(address);
        attempts[static_cast<size_t>(i)] = Register(
            stub.get(), absl::StrCat("cold-", round, "-", i, "@example.com"), "", seconds(15));
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const RegisterAttempt& attempt : attempts) {
      EXPECT_TRUE(attempt.status.ok()) << attempt.status.error_message();
      history_.Record(attempt);
    }
  }

  std::mt19937_64 random_{TestSeed()};
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port()};
  History history_;
};

TEST_P(ColdStart, FiftyCallersAtOnceAreAllServed) {
  auto server = AuthServerProcess::Start(
      WithCheapHashing({"--database-url=" + gate_.Through(url_), "--rate-limit=off"}));
  ASSERT_THAT(server, IsOk());
  const int rounds = ShortOrLong(1, 20);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    gate_.Close();
    gate_.DelayNewConnections(GetParam());
    const auto cold = TcpGate::TimePoint::clock::now();
    LetPass(milliseconds(random_() % 200));
    ExpectAllServed(server->grpc_address(), round);
    gate_.DelayNewConnections(milliseconds(0));

    const std::vector<TcpGate::TimePoint> connects =
        gate_.AcceptedWithin(cold, TcpGate::TimePoint::max());
    const int most = MostWithin(connects, seconds(1));
    std::printf("%zu connects, at the most %d in a second\n", connects.size(), most);
    EXPECT_GE(most, 1);
    EXPECT_LE(most, kMostConnectsASecond);
    ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(10));
  }
}

INSTANTIATE_TEST_SUITE_P(Silent, ColdStart, ::testing::Values(milliseconds(800), seconds(5)),
                         [](const ::testing::TestParamInfo<milliseconds>& silence) {
                           return absl::StrCat("For", silence.param.count(), "Ms");
                         });

}  // namespace
}  // namespace auth::testing
