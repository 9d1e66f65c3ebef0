// Patroni moves the primary of a cluster of three, on request and because it has died, and the
// service follows by itself: with all three servers in its URL, or through HAProxy.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/haproxy.h"
#include "tests/support/patroni_cluster.h"
#include "tests/support/server/auth_server_process.h"
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
using ::testing::HasSubstr;
using ::testing::Not;
using TimePoint = MixedLoad::TimePoint;

// Of those who want to outlive the death of a primary.
constexpr seconds kPatience(45);
// In a planned move. Half of the cluster's ttl, until which others wait if the primary has died.
constexpr seconds kPlannedSilence(10);

class Patroni : public ::testing::Test {
 protected:
  void StartServer(const std::string& url, std::vector<std::string> flags = {}) {
    flags.push_back("--database-url=" + url);
    auto started = AuthServerProcess::Start(WithCheapHashing(std::move(flags)));
    ASSERT_THAT(started, IsOk());
    server_ = std::make_unique<AuthServerProcess>(*std::move(started));
  }

  void LetLoadPass() { LetPass(milliseconds(1000 + random_() % 500)); }

  // Waits until calls are answered again, and returns for how long none was since `began`.
  static milliseconds SilenceSince(TimePoint began, const MixedLoad& load);
  void ExpectNothingFailed(MixedLoad* load);

  std::mt19937_64 random_{TestSeed()};
  PatroniCluster cluster_;
  const std::string url_ = cluster_.CreateDatabase("accounts");
  std::unique_ptr<AuthServerProcess> server_;
  History history_;
};

milliseconds Patroni::SilenceSince(TimePoint began, const MixedLoad& load) {
  const TimePoint now = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(now) != TimePoint::max(); }, seconds(15)));
  auto longest = TimePoint::duration::zero();
  for (TimePoint from = began; from < now;) {
    const TimePoint next = load.FirstOkAfter(from);
    longest = std::max(longest, next - from);
    from = next;
  }
  const auto silence = std::chrono::duration_cast<milliseconds>(longest);
  std::printf("nobody was answered for %ld ms\n", silence.count());
  return silence;
}

void Patroni::ExpectNothingFailed(MixedLoad* load) {
  LetLoadPass();
  load->Stop();
  std::printf("%ld calls OK, %ld failed\n", load->ok(), load->failed());
  EXPECT_EQ(load->failed(), 0) << load->failures();
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

// Writes wait until Patroni has found another standby.
TEST_F(Patroni, TheSynchronousStandbyIsKilled) {
  ASSERT_NO_FATAL_FAILURE(StartServer(url_));
  MixedLoad load(server_->grpc_address(), {.timeout = seconds(15)}, &history_);
  for (int round = 0; round < ShortOrLong(1, 10); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    LetLoadPass();
    cluster_.KillSynchronousStandby();
    cluster_.AwaitSynchronousStandby();
    LetLoadPass();
    cluster_.StartKilled();
    cluster_.AwaitWhole();
  }
  ExpectNothingFailed(&load);
}

// How the service finds the primary.
enum class Route { kAllHosts, kHaProxy };

class PatroniByRoute : public Patroni, public ::testing::WithParamInterface<Route> {
 protected:
  std::string Url() const { return balancer_ ? balancer_->Through(url_) : url_; }

 private:
  const std::unique_ptr<HaProxy> balancer_ =
      GetParam() == Route::kHaProxy ? std::make_unique<HaProxy>(cluster_.candidates()) : nullptr;
};

TEST_P(PatroniByRoute, ThePrimaryMovesAsPlanned) {
  ASSERT_NO_FATAL_FAILURE(StartServer(Url()));
  MixedLoad load(server_->grpc_address(), {.timeout = seconds(15)}, &history_);
  LetLoadPass();
  EXPECT_THAT(server_->log(), Not(HasSubstr("pool_connect_failed"))) << "not led to the primary";
  for (int round = 0; round < ShortOrLong(2, 20); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    cluster_.AwaitWhole();
    LetLoadPass();
    const auto began = std::chrono::steady_clock::now();
    cluster_.Switchover();
    EXPECT_LT(SilenceSince(began, load), kPlannedSilence);
  }
  ExpectNothingFailed(&load);
}

// Callers who want to outlive it have time, and the server is told to let them wait, and how many.
TEST_P(PatroniByRoute, ThePrimaryIsKilled) {
  ASSERT_NO_FATAL_FAILURE(StartServer(
      Url(), {"--max-deadline=60s", "--pool-outage-patience=60s", "--pool-max-waiters=5000"}));
  // So many channels that no call waits for its turn on one of them, but all at the server.
  MixedLoad load(server_->grpc_address(), {.channels = 50, .timeout = kPatience}, &history_);
  for (int round = 0; round < ShortOrLong(1, 10); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    LetLoadPass();
    // What only the primary knows is lost with it, and must not have been acknowledged; not even
    // to those who lose the connection on which they wait, and find their write done.
    std::vector<FrozenProcess> frozen = cluster_.FreezeReplication();
    LetPass(milliseconds(300));
    EXPECT_GT(cluster_.EndWaitingCommits(), 0);
    LetPass(milliseconds(700));
    const auto began = std::chrono::steady_clock::now();
    cluster_.KillPrimary();
    frozen.clear();
    cluster_.AwaitPrimary();
    const milliseconds silence = SilenceSince(began, load);
    EXPECT_GE(silence, seconds(10)) << "it was missed";
    EXPECT_LT(silence, kPatience);
    cluster_.StartKilled();
    cluster_.AwaitWhole();
  }
  ExpectNothingFailed(&load);
}

INSTANTIATE_TEST_SUITE_P(Through, PatroniByRoute,
                         ::testing::Values(Route::kAllHosts, Route::kHaProxy),
                         [](const ::testing::TestParamInfo<Route>& route) {
                           return route.param == Route::kAllHosts ? "AllHosts" : "HaProxy";
                         });

}  // namespace
}  // namespace auth::testing
