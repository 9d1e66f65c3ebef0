#include "server/account/attempt_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace auth::account {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AttemptLimiterTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  AttemptLimiter limiter_{AttemptLimiter::Options{}, &clock_};

  int Allowed(std::string_view key, int attempts) {
    int allowed = 0;
    for (int i = 0; i < attempts; ++i) allowed += limiter_.Attempt(key) ? 0 : 1;
    return allowed;
  }
};

TEST_F(AttemptLimiterTest, LetsABurstThroughAndThenOneInEachInterval) {
  EXPECT_EQ(Allowed("a", 100), 10);
  EXPECT_EQ(limiter_.Attempt("a"), seconds(6));
  clock_.Advance(milliseconds(5999));
  EXPECT_EQ(limiter_.Attempt("a"), milliseconds(1));
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(limiter_.Attempt("a"), std::nullopt);
  EXPECT_EQ(limiter_.Attempt("a"), seconds(6));
}

TEST_F(AttemptLimiterTest, AskingCountsNothing) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter_.Wait("a"), std::nullopt);
  EXPECT_EQ(limiter_.accounts(), 0u);
  EXPECT_EQ(Allowed("a", 100), 10);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter_.Wait("a"), seconds(6));
  clock_.Advance(seconds(6));
  EXPECT_EQ(limiter_.Wait("a"), std::nullopt);
}

TEST_F(AttemptLimiterTest, LetsThroughNoMoreThanBurstAndRateInTheLongRun) {
  int allowed = 0;
  for (int i = 0; i < 300; ++i) {
    allowed += Allowed("a", 1);
    clock_.Advance(milliseconds(200));
  }
  EXPECT_EQ(allowed, 10 + 9) << "60 s, the last attempt 200 ms before their end";
}

TEST_F(AttemptLimiterTest, RefusedAttemptsDoNotMakeTheWaitLonger) {
  Allowed("a", 10);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter_.Attempt("a"), seconds(6));
}

TEST_F(AttemptLimiterTest, TheBurstComesBack) {
  EXPECT_EQ(Allowed("a", 100), 10);
  clock_.Advance(seconds(30));
  EXPECT_EQ(Allowed("a", 100), 5);
  clock_.Advance(seconds(3600));
  EXPECT_EQ(Allowed("a", 100), 10);
}

TEST_F(AttemptLimiterTest, AccountsDoNotTouchEachOther) {
  EXPECT_EQ(Allowed("a", 100), 10);
  EXPECT_EQ(Allowed("b", 100), 10);
  EXPECT_EQ(Allowed("", 100), 10);
}

TEST_F(AttemptLimiterTest, RemembersOnlyAccountsThatLackAttempts) {
  for (int i = 0; i < 1000; ++i) limiter_.Attempt(std::to_string(i));
  EXPECT_EQ(limiter_.accounts(), 1000u);
  clock_.Advance(seconds(6));
  limiter_.Attempt("a");
  EXPECT_EQ(limiter_.accounts(), 1u);
}

TEST_F(AttemptLimiterTest, AFloodOfAccountsDoesNotFreeTheOneUnderAttack) {
  AttemptLimiter limiter(AttemptLimiter::Options{.max_accounts = 100}, &clock_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limiter.Attempt("victim"), std::nullopt);
  for (int i = 0; i < 10000; ++i) limiter.Attempt(std::to_string(i));
  EXPECT_EQ(limiter.accounts(), 100u);
  EXPECT_EQ(limiter.Attempt("victim"), seconds(6));
}

TEST_F(AttemptLimiterTest, CanBeOff) {
  AttemptLimiter limiter(AttemptLimiter::Options{.enabled = false}, &clock_);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.Attempt("a"), std::nullopt);
  EXPECT_EQ(limiter.accounts(), 0u);
}

TEST_F(AttemptLimiterTest, ThreadsShareOneBurst) {
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, &allowed] { allowed += Allowed("a", 100); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 10);
}

}  // namespace
}  // namespace auth::account
