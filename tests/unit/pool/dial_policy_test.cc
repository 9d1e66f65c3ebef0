#include "pool/dial_policy.h"

#include <gtest/gtest.h>

#include <chrono>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonotonicTime kStart{seconds(1000)};

using Answer = DialPolicy::Answer;

class DialPolicyTest : public ::testing::Test {
 protected:
  // Dials at the moment when it is due; how many do so until `end`.
  int Dial(Answer answer, MonotonicTime end) {
    int dials = 0;
    while (policy_.due() <= end) {
      const MonotonicTime now = policy_.due();
      policy_.OnStarted(now);
      policy_.OnDialed(answer, now);
      ++dials;
    }
    return dials;
  }

  DialPolicy policy_;
};

TEST_F(DialPolicyTest, NothingHappenedNothingIsDialled) { EXPECT_EQ(policy_.due(), kNever); }

TEST_F(DialPolicyTest, AClosedIdleConnectionIsFollowedByDialsForTwoSeconds) {
  policy_.OnIdleClosed(kStart);
  EXPECT_EQ(policy_.due(), kStart);
  EXPECT_EQ(Dial(Answer::kAccepted, kStart + seconds(100)), 9);
  EXPECT_EQ(policy_.due(), kNever);
}

TEST_F(DialPolicyTest, ThatNobodyListensEndsTheSeries) {
  policy_.OnIdleClosed(kStart);
  EXPECT_EQ(Dial(Answer::kNobody, kStart + seconds(100)), 1);
}

TEST_F(DialPolicyTest, LooksDialAtMostTwiceASecond) {
  int dials = 0;
  for (MonotonicTime now = kStart; now < kStart + seconds(10); now += milliseconds(10)) {
    policy_.OnLooked(now);
    dials += Dial(Answer::kNobody, now);
  }
  EXPECT_EQ(dials, 20);
}

TEST_F(DialPolicyTest, AnAnswerEndsEverything) {
  policy_.OnIdleClosed(kStart);
  policy_.OnAnswer();
  EXPECT_EQ(policy_.due(), kNever);
}

TEST_F(DialPolicyTest, OnlyAListenerThatComesOrGoesIsNews) {
  using Finding = DialPolicy::Finding;
  EXPECT_EQ(policy_.OnDialed(Answer::kAccepted, kStart), Finding::kNothing)
      << "calls may fail all the same";
  EXPECT_EQ(policy_.OnDialed(Answer::kNobody, kStart), Finding::kNobodyListens);
  EXPECT_EQ(policy_.OnDialed(Answer::kAccepted, kStart), Finding::kBack);
  EXPECT_EQ(policy_.OnDialed(Answer::kAccepted, kStart), Finding::kNothing);
}

TEST_F(DialPolicyTest, ADialThatCouldNotBeMadeSaysNothingAndIsRepeated) {
  policy_.OnIdleClosed(kStart);
  policy_.OnStarted(kStart);
  EXPECT_EQ(policy_.OnDialed(Answer::kNotAsked, kStart), DialPolicy::Finding::kNothing);
  EXPECT_EQ(policy_.due(), kStart + milliseconds(250));
  EXPECT_EQ(policy_.OnDialed(Answer::kAccepted, kStart), DialPolicy::Finding::kNothing)
      << "nobody was absent";
}

TEST_F(DialPolicyTest, OneDialAtATime) {
  policy_.OnIdleClosed(kStart);
  policy_.OnStarted(kStart);
  policy_.OnLooked(kStart + seconds(5));
  EXPECT_EQ(policy_.due(), kNever);
  policy_.OnDialed(Answer::kNobody, kStart + seconds(6));
  EXPECT_LE(policy_.due(), kStart + seconds(6));
}

TEST_F(DialPolicyTest, ADialThatAnAnswerHasOvertakenSaysNothing) {
  policy_.OnIdleClosed(kStart);
  policy_.OnStarted(kStart);
  policy_.OnAnswer();
  EXPECT_EQ(policy_.OnDialed(Answer::kNobody, kStart), DialPolicy::Finding::kNothing);
  EXPECT_EQ(policy_.due(), kNever);
}

}  // namespace
}  // namespace auth::pool
