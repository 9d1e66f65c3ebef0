#include "pool/generation.h"

#include <gtest/gtest.h>

#include <chrono>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonotonicTime At(Duration time) { return MonotonicTime(std::chrono::hours(1) + time); }

TEST(GenerationTest, RaisesAtOnceWhenTheLastTimeIsLongAgo) {
  Generation generation;
  EXPECT_EQ(generation.oldest_valid(), 1);
  EXPECT_TRUE(generation.Request(RecreateReason::kReadOnly, At(seconds(0))));
  EXPECT_EQ(generation.oldest_valid(), 2);
  EXPECT_EQ(generation.reason(), RecreateReason::kReadOnly);
  EXPECT_TRUE(generation.Request(RecreateReason::kReadOnly, At(seconds(1))));
  EXPECT_EQ(generation.oldest_valid(), 3);
}

TEST(GenerationTest, RequestsWithinASecondBecomeOneAtItsEnd) {
  Generation generation;
  generation.Request(RecreateReason::kReadOnly, At(seconds(0)));
  EXPECT_EQ(generation.due(), kNever);
  EXPECT_FALSE(generation.Request(RecreateReason::kServerShutdown, At(milliseconds(100))));
  EXPECT_FALSE(generation.Request(RecreateReason::kReadOnly, At(milliseconds(900))));
  EXPECT_EQ(generation.due(), At(seconds(1)));
  EXPECT_FALSE(generation.RaiseIfDue(At(milliseconds(999))));
  EXPECT_TRUE(generation.RaiseIfDue(At(seconds(1))));
  EXPECT_EQ(generation.reason(), RecreateReason::kServerShutdown);
  EXPECT_EQ(generation.oldest_valid(), 4) << "opened after the last of the requests";
  EXPECT_FALSE(generation.RaiseIfDue(At(seconds(9))));
}

TEST(GenerationTest, WhatIsOpenedAfterARequestIsNotCondemnedByIt) {
  Generation generation;
  generation.Request(RecreateReason::kServerShutdown, At(seconds(0)));
  const int64_t before = generation.newest();
  generation.Request(RecreateReason::kServerShutdown, At(milliseconds(300)));
  const int64_t after = generation.newest();
  EXPECT_FALSE(generation.Tells(before)) << "lost as it must be";
  EXPECT_TRUE(generation.Tells(after));
  EXPECT_EQ(generation.oldest_valid(), before) << "at most once a second";
  EXPECT_TRUE(generation.RaiseIfDue(At(seconds(1))));
  EXPECT_GT(generation.oldest_valid(), before);
  EXPECT_LE(generation.oldest_valid(), after);
  EXPECT_EQ(generation.newest(), after);
}

TEST(GenerationTest, FailedConnectsCondemnNothingBeforeTheirTime) {
  Generation generation;
  generation.Raise(RecreateReason::kRequested, At(seconds(0)));
  const int64_t open = generation.newest();
  generation.Request(RecreateReason::kConnectFailures, At(milliseconds(1)));
  EXPECT_TRUE(generation.Tells(open));
  generation.OnAnswer();
  EXPECT_FALSE(generation.RaiseIfDue(At(seconds(1))));
  EXPECT_TRUE(generation.Tells(open));
}

TEST(GenerationTest, RaiseIsUnconditionalAndFulfilsWhatWasRequested) {
  Generation generation;
  generation.Request(RecreateReason::kReadOnly, At(seconds(0)));
  generation.Request(RecreateReason::kReadOnly, At(milliseconds(100)));
  generation.Raise(RecreateReason::kRequested, At(milliseconds(200)));
  EXPECT_EQ(generation.oldest_valid(), generation.newest());
  EXPECT_EQ(generation.reason(), RecreateReason::kRequested);
  EXPECT_EQ(generation.due(), kNever);
}

TEST(GenerationTest, TwoLossesWithinASecondCountAsOneEvent) {
  Generation generation;
  EXPECT_FALSE(generation.OnLoss("", At(seconds(0))));
  EXPECT_FALSE(generation.OnLoss("08006", At(seconds(1))));
  EXPECT_TRUE(generation.OnLoss("", At(milliseconds(1999))));
  EXPECT_EQ(generation.reason(), RecreateReason::kRepeatedLoss);
  // The third is the first of the new generation.
  EXPECT_FALSE(generation.OnLoss("", At(milliseconds(2000))));
  EXPECT_EQ(generation.due(), kNever);
}

TEST(GenerationTest, ShutdownNeedsOneLossAndIdleCloseNone) {
  Generation generation;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(generation.OnLoss("57P05", At(milliseconds(i))));
    EXPECT_FALSE(generation.OnLoss("25P03", At(milliseconds(i))));
  }
  EXPECT_TRUE(generation.OnLoss("57P02", At(seconds(1))));
  EXPECT_TRUE(generation.OnLoss("57P01", At(seconds(2))));
}

TEST(GenerationTest, AnswerForgetsOnlyTheRequestOfFailedConnects) {
  Generation generation;
  generation.Raise(RecreateReason::kReadOnly, At(seconds(0)));
  generation.Request(RecreateReason::kConnectFailures, At(milliseconds(1)));
  generation.OnAnswer();
  EXPECT_EQ(generation.due(), kNever);
  generation.Request(RecreateReason::kReadOnly, At(milliseconds(2)));
  generation.OnAnswer();
  EXPECT_EQ(generation.due(), At(seconds(1)));
}

TEST(GenerationTest, AStrongerReasonTakesThePlaceOfFailedConnects) {
  Generation generation;
  generation.Raise(RecreateReason::kRequested, At(seconds(0)));
  generation.Request(RecreateReason::kConnectFailures, At(milliseconds(1)));
  generation.Request(RecreateReason::kReadOnly, At(milliseconds(2)));
  generation.OnAnswer();
  EXPECT_TRUE(generation.RaiseIfDue(At(seconds(1))));
  EXPECT_EQ(generation.reason(), RecreateReason::kReadOnly);
}

}  // namespace
}  // namespace auth::pool
