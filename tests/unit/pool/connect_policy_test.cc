#include "pool/connect_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include "tests/support/scripted_connection.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::SqlFailure;

const MonotonicTime kStart{std::chrono::hours(1)};

class ConnectPolicyTest : public ::testing::Test {
 protected:
  static ConnectDemand Demand(int waiters, int connecting = 0, int lent = 0) {
    return ConnectDemand{waiters, connecting, lent};
  }
  bool Wants(const ConnectDemand& demand) const { return policy_.NextConnect(demand) != kNever; }
  ConnectFailure Fail(std::string_view sqlstate = "", int open = 0) {
    return policy_.OnFailure(now_, now_, SqlFailure(sqlstate), open);
  }

  PoolOptions options_;
  MonotonicTime now_ = kStart;
  ConnectPolicy policy_{options_, Jitter(7)};
};

TEST_F(ConnectPolicyTest, NobodyWaitsNobodyConnects) {
  EXPECT_FALSE(Wants(Demand(0)));
  Fail();
  EXPECT_FALSE(Wants(Demand(0)));
}

TEST_F(ConnectPolicyTest, ConnectsUnderWayCoverWaiters) {
  EXPECT_TRUE(Wants(Demand(1)));
  EXPECT_FALSE(Wants(Demand(1, 1)));
  EXPECT_TRUE(Wants(Demand(2, 1)));
  EXPECT_FALSE(Wants(Demand(50, 2)));
}

TEST_F(ConnectPolicyTest, OneAtATimeWhileConnectionsWillReturn) {
  EXPECT_TRUE(Wants(Demand(50, 0, 5)));
  EXPECT_FALSE(Wants(Demand(50, 1, 5)));
}

TEST_F(ConnectPolicyTest, OneAtATimeAfterAFailure) {
  Fail();
  EXPECT_TRUE(Wants(Demand(50)));
  EXPECT_FALSE(Wants(Demand(50, 1)));
  policy_.OnSuccess();
  EXPECT_TRUE(Wants(Demand(50, 1)));
}

TEST_F(ConnectPolicyTest, OpensWhatTheStartAsksForOnce) {
  policy_.RequestInitial(2);
  EXPECT_TRUE(Wants(Demand(0)));
  policy_.OnSuccess();
  EXPECT_TRUE(Wants(Demand(0)));
  policy_.OnSuccess();
  EXPECT_FALSE(Wants(Demand(0)));
}

TEST_F(ConnectPolicyTest, RefusedCallerAsksForOneProbe) {
  policy_.RequestProbe();
  policy_.RequestProbe();
  EXPECT_TRUE(Wants(Demand(0)));
  EXPECT_FALSE(Wants(Demand(0, 1)));
  policy_.OnStarted(now_);
  EXPECT_FALSE(Wants(Demand(0)));
}

// Whatever the random draws: connects that fail at once, with two side by side at first.
TEST_F(ConnectPolicyTest, NeverMoreThanFiveFailingConnectsInASecond) {
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    ConnectPolicy policy(options_, Jitter(seed));
    std::vector<MonotonicTime> starts = {kStart, kStart};
    for (const MonotonicTime start : starts) {
      policy.OnFailure(start, start + milliseconds(1), SqlFailure(""), 0);
    }
    while (starts.back() < kStart + seconds(20)) {
      const MonotonicTime next = policy.NextConnect(Demand(1));
      ASSERT_GE(next, starts.back() + milliseconds(200));
      ASSERT_LE(next, starts.back() + seconds(1));
      starts.push_back(next);
      policy.OnFailure(next, next + milliseconds(1), SqlFailure(""), 0);
    }
    for (size_t i = 5; i < starts.size(); ++i) {
      ASSERT_GE(starts[i] - starts[i - 5], seconds(1)) << "seed " << seed;
    }
  }
}

TEST_F(ConnectPolicyTest, ConnectsToAServerThatTakesNoWritesKeepTheirDistance) {
  std::vector<MonotonicTime> starts;
  while (now_ < kStart + seconds(10)) {
    now_ = std::max(now_, policy_.NextConnect(Demand(50)));
    starts.push_back(now_);
    policy_.OnStarted(now_);
    now_ += milliseconds(10);
    policy_.OnSuccess();
    policy_.OnReadOnlyServer(now_);
  }
  EXPECT_LE(starts.size(), 40U) << "four a second";
  for (size_t i = 5; i < starts.size(); ++i) {
    EXPECT_GE(starts[i] - starts[i - 5], seconds(1)) << "five in any second";
  }
  now_ += seconds(1);
  EXPECT_LE(policy_.NextConnect(Demand(50)), now_) << "a server that is of use is not spared";
}

// Whatever the random draws.
TEST_F(ConnectPolicyTest, ReplacementsComeOneByOneTheFirstAtOnce) {
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    ConnectPolicy policy(options_, Jitter(seed));
    MonotonicTime now = kStart;
    policy.OnStarted(now);
    policy.OnRecreated(now, 5);
    for (int i = 0; i < 5; ++i) {
      const MonotonicTime next = policy.NextConnect(Demand(50));
      if (i == 0) {
        ASSERT_LE(next, now);
      } else {
        ASSERT_GE(next, now + milliseconds(50));
        ASSERT_LE(next, now + milliseconds(150));
      }
      ASSERT_EQ(policy.NextConnect(Demand(50, 1)), kNever) << "one at a time";
      now = std::max(now, next);
      policy.OnStarted(now);
      policy.OnSuccess();
    }
    ASSERT_LE(policy.NextConnect(Demand(50, 1)), now) << "all are replaced";
  }
}

TEST_F(ConnectPolicyTest, WhoDidNotNeedItsReplacementsIsNotPacedForEver) {
  policy_.OnRecreated(now_, 5);
  policy_.OnStarted(now_);
  now_ += 2 * options_.replace_over;
  EXPECT_LE(policy_.NextConnect(Demand(50)), now_);
  policy_.OnStarted(now_);
  EXPECT_LE(policy_.NextConnect(Demand(50, 1)), now_);
}

TEST_F(ConnectPolicyTest, WithoutATimeToSpreadThemOverReplacementsComeAtOnce) {
  options_.replace_over = Duration::zero();
  ConnectPolicy policy(options_, Jitter(7));
  policy.OnRecreated(now_, 5);
  policy.OnStarted(now_);
  EXPECT_LE(policy.NextConnect(Demand(50, 1)), now_);
}

TEST_F(ConnectPolicyTest, StartWithoutCallersBacksOffUpToFourTimesTheDelay) {
  Duration longest{};
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    ConnectPolicy policy(options_, Jitter(seed));
    policy.RequestInitial(1);
    const Duration caps[] = {milliseconds(500), seconds(1), seconds(2), seconds(2)};
    MonotonicTime now = kStart;
    for (const Duration cap : caps) {
      policy.OnFailure(now, now, SqlFailure(""), 0);
      const Duration delay = policy.NextConnect(Demand(0)) - now;
      EXPECT_GE(delay, milliseconds(200));
      EXPECT_LE(delay, cap);
      // A caller does not wait for the start's long pause.
      EXPECT_LE(policy.NextConnect(Demand(1)) - now, milliseconds(400));
      longest = std::max(longest, delay);
      now += delay;
    }
  }
  EXPECT_GT(longest, milliseconds(1800));
}

TEST_F(ConnectPolicyTest, CountsAttemptsAndAsksToRecreateAfterTheLast) {
  for (int series = 0; series < 3; ++series) {
    for (int attempt = 1; attempt <= 3; ++attempt) {
      const ConnectFailure failure = Fail();
      EXPECT_EQ(failure.attempt, attempt);
      EXPECT_EQ(failure.recreate, attempt == 3);
    }
  }
  Fail();
  policy_.OnSuccess();
  EXPECT_EQ(Fail().attempt, 1);
}

TEST_F(ConnectPolicyTest, AnswersSpeakForOpenConnectionsForOneSeries) {
  constexpr int kOpen = 5;
  policy_.OnAnswer();
  EXPECT_FALSE(Fail("", kOpen).silent);
  policy_.OnAnswer();
  for (const int attempt : {2, 3, 1}) {
    const ConnectFailure failure = Fail("", kOpen);
    EXPECT_EQ(failure.attempt, attempt);
    EXPECT_FALSE(failure.silent);
    EXPECT_FALSE(failure.recreate);
  }
  EXPECT_TRUE(Fail("", kOpen).silent) << "no answer since the first failure of this series";
  EXPECT_TRUE(Fail("", kOpen).recreate);
}

TEST_F(ConnectPolicyTest, WithASeriesOfOneAnswersSpeakUntilTheNextFailure) {
  options_.max_retries = 1;
  ConnectPolicy policy(options_, Jitter(7));
  for (const bool answers : {true, true, false, true}) {
    if (answers) policy.OnAnswer();
    EXPECT_EQ(policy.OnFailure(now_, now_, SqlFailure(""), 1).recreate, !answers);
  }
}

TEST_F(ConnectPolicyTest, WithoutOpenConnectionsAFailedConnectIsSilence) {
  policy_.OnAnswer();
  EXPECT_TRUE(Fail("", 0).silent);
  EXPECT_TRUE(Fail("53300", 0).silent);
  EXPECT_FALSE(Fail("53300", 1).silent);
}

TEST_F(ConnectPolicyTest, ServerThatAnswersCastsNoDoubtOnOpenConnections) {
  for (const char* const sqlstate : {"53300", "28P01"}) {
    for (int i = 0; i < 9; ++i) EXPECT_FALSE(Fail(sqlstate, 3).recreate);
  }
}

TEST_F(ConnectPolicyTest, RefusedSessionsAreAnOutageOnlyForAPoolWithoutConnections) {
  for (int i = 0; i < 100; ++i, now_ += seconds(1)) {
    Fail("53300", /*open=*/1);
    Fail("28P01", /*open=*/1);
  }
  EXPECT_FALSE(policy_.refusing());
  for (int i = 0; i < 31; ++i, now_ += seconds(1)) Fail("53300", /*open=*/0);
  EXPECT_TRUE(policy_.refusing());
}

TEST_F(ConnectPolicyTest, RemembersARefusedConfigurationUntilSomethingElseHappens) {
  Fail("28P01");
  EXPECT_EQ(policy_.configuration_failure(), SqlFailure("28P01"));
  Fail("57P03");
  EXPECT_TRUE(policy_.configuration_failure().ok());
  Fail("3D000");
  EXPECT_FALSE(policy_.configuration_failure().ok());
  policy_.OnSuccess();
  EXPECT_TRUE(policy_.configuration_failure().ok());
  Fail("28P01");
  EXPECT_TRUE(policy_.configuration_failure().ok());
}

}  // namespace
}  // namespace auth::pool
