// HAProxy between the service and its database: cuts what is idle, cuts everybody, and has no
// server to offer for a while.

#include "tests/support/haproxy.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HaProxyTest : public ::testing::Test {
 protected:
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  History history_;
};

TEST_F(HaProxyTest, ItCutsIdleSessionsAndNoCallFails) {
  HaProxy balancer(postgres_.port(), {{"timeout server", "1s"}});
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + balancer.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  const auto stub = NewPlainStub(server->grpc_address());

  const int gaps = ShortOrLong(20, 100);
  const int before = balancer.accepted();
  for (int gap = 0; gap < gaps; ++gap) {
    // HAProxy tells our side of the session of its end, and keeps the database's until we close:
    // nobody else can see it. Half the calls come some time after the cut, half about with it.
    LetPass(gap % 2 == 0 ? milliseconds(1300) : milliseconds(950 + 10 * (gap % 10)));
    const RegisterAttempt attempt =
        Register(stub.get(), absl::StrCat("gap-", gap, "@example.com"), "", seconds(10));
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << "gap " << gap << ": " << attempt.status.error_message();
  }
  EXPECT_GE(balancer.accepted() - before, gaps / 2) << "sessions were cut";
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

TEST_F(HaProxyTest, ItCutsAllSessionsUnderLoadAndNoCallFails) {
  std::mt19937_64 random(TestSeed());
  HaProxy balancer(postgres_.port());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + balancer.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {.timeout = seconds(15)}, &history_);

  const int rounds = ShortOrLong(25, 1000);
  const int before = balancer.accepted();
  for (int round = 0; round < rounds; ++round) {
    balancer.ShutdownSessions();
    LetPass(milliseconds(100 + random() % 150));
  }
  load.Stop();
  std::printf("%d rounds, %d connects, %ld answered OK, %ld failed\n", rounds,
              balancer.accepted() - before, load.ok(), load.failed());
  EXPECT_GT(balancer.accepted() - before, rounds / 2) << "sessions were cut";
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

TEST_F(HaProxyTest, ItHasNoServerForAWhileAndNoCallFails) {
  HaProxy balancer(postgres_.port());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + balancer.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {.timeout = seconds(15)}, &history_);

  balancer.DisableServer();
  balancer.ShutdownSessions();
  ASSERT_TRUE(Eventually([&] { return balancer.open() == 0; }));
  const int before = balancer.accepted();
  const seconds outage = ShortOrLong(seconds(3), seconds(10));
  LetPass(outage);
  const int connects = balancer.accepted() - before;
  const auto back = std::chrono::steady_clock::now();
  balancer.EnableServer();
  EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(back) != MixedLoad::TimePoint::max(); },
                         seconds(15)));
  load.Stop();

  const auto noticed =
      std::chrono::duration_cast<milliseconds>(load.FirstOkAfter(back) - back).count();
  std::printf("%d connects in %ld s, first OK %ld ms after the return, %ld OK, %ld failed\n",
              connects, outage.count(), noticed, load.ok(), load.failed());
  EXPECT_LE(connects, 4 * outage.count() + 1) << "four a second, and one at the edge";
  EXPECT_GE(connects, outage.count()) << "the return is looked for";
  EXPECT_LE(noticed, 600);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
