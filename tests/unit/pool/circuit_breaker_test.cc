#include "pool/circuit_breaker.h"

#include <gtest/gtest.h>

#include <chrono>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kPatience = seconds(30);

class CircuitBreakerTest : public ::testing::Test {
 protected:
  // A connect that took no time failed at second `at`; whether that changed the state.
  bool Fail(Duration at) { return breaker_.OnFailure(MonotonicTime(at), MonotonicTime(at)); }
  void Open() {
    for (int second = 0; second <= 30; ++second) Fail(seconds(second));
  }

  CircuitBreaker breaker_{kPatience};
};

TEST_F(CircuitBreakerTest, OpensAfterPatienceFromTheFirstFailure) {
  for (int second = 0; second < 30; ++second) EXPECT_FALSE(Fail(seconds(second)));
  EXPECT_FALSE(Fail(kPatience - milliseconds(1)));
  EXPECT_FALSE(breaker_.refusing());
  EXPECT_TRUE(Fail(kPatience));
  EXPECT_TRUE(breaker_.refusing());
}

TEST_F(CircuitBreakerTest, SuccessBeginsANewRun) {
  Fail(seconds(0));
  Fail(seconds(29));
  EXPECT_FALSE(breaker_.OnSuccess());
  EXPECT_FALSE(Fail(seconds(31)));
  EXPECT_FALSE(Fail(seconds(60)));
  EXPECT_TRUE(Fail(seconds(61)));
}

TEST_F(CircuitBreakerTest, SilenceIsNoEvidence) {
  Fail(seconds(0));
  EXPECT_FALSE(Fail(minutes(10)));
  EXPECT_FALSE(breaker_.refusing());
}

TEST_F(CircuitBreakerTest, ConnectThatHangsIsNotSilence) {
  Fail(seconds(0));
  EXPECT_TRUE(breaker_.OnFailure(MonotonicTime(seconds(1)), MonotonicTime(seconds(61))));
}

TEST_F(CircuitBreakerTest, ProbesAndOpensAgain) {
  Open();
  EXPECT_TRUE(breaker_.OnConnectStarted());
  EXPECT_EQ(breaker_.state(), BreakerState::kHalfOpen);
  EXPECT_TRUE(breaker_.refusing());
  EXPECT_TRUE(Fail(minutes(60)));
  EXPECT_EQ(breaker_.state(), BreakerState::kOpen);
}

TEST_F(CircuitBreakerTest, FirstSuccessCloses) {
  Open();
  breaker_.OnConnectStarted();
  EXPECT_TRUE(breaker_.OnSuccess());
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
  EXPECT_FALSE(Fail(minutes(60)));
}

TEST_F(CircuitBreakerTest, ConnectWhileClosedIsNoProbe) {
  EXPECT_FALSE(breaker_.OnConnectStarted());
  EXPECT_EQ(breaker_.state(), BreakerState::kClosed);
}

}  // namespace
}  // namespace auth::pool
