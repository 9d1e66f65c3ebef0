#include "client/authctl/histogram.h"

#include <gtest/gtest.h>

namespace auth::authctl {
namespace {

constexpr int kMillisecond = 1'000'000;

// 10 of up to 1 ms, 80 of up to 2 ms, 8 of up to 4 ms, 2 of more.
v1::LatencyHistogram Hundred() {
  v1::LatencyHistogram histogram;
  const auto add = [&histogram](int up_to_ms, int count) {
    auto* bucket = histogram.add_buckets();
    if (up_to_ms > 0) bucket->mutable_up_to()->set_nanos(up_to_ms * kMillisecond);
    bucket->set_count(count);
  };
  add(1, 10);
  add(2, 80);
  add(4, 8);
  add(0, 2);
  histogram.set_count(100);
  histogram.mutable_sum()->set_nanos(200 * kMillisecond);
  return histogram;
}

TEST(HistogramTest, AQuantileLiesInsideItsBucket) {
  EXPECT_EQ(QuantileOf(Hundred(), 0.5)->value, absl::Microseconds(1500));
  EXPECT_EQ(QuantileOf(Hundred(), 0.05)->value, absl::Microseconds(500));
  EXPECT_EQ(QuantileOf(Hundred(), 0.98)->value, absl::Milliseconds(4));
  EXPECT_FALSE(QuantileOf(Hundred(), 0.98)->at_least);
}

TEST(HistogramTest, BeyondTheLastBoundOnlyTheBoundIsKnown) {
  EXPECT_EQ(QuantileOf(Hundred(), 0.99)->value, absl::Milliseconds(4));
  EXPECT_TRUE(QuantileOf(Hundred(), 0.99)->at_least);
}

TEST(HistogramTest, NothingHasNoQuantileAndNoMean) {
  EXPECT_FALSE(QuantileOf(v1::LatencyHistogram(), 0.5).has_value());
  EXPECT_FALSE(MeanOf(v1::LatencyHistogram()).has_value());
  EXPECT_EQ(MeanOf(Hundred()), absl::Milliseconds(2));
}

TEST(HistogramTest, WhatCameBetweenTwoPictures) {
  v1::LatencyHistogram later = Hundred();
  later.mutable_buckets(2)->set_count(12);
  later.set_count(104);
  later.mutable_sum()->set_nanos(212 * kMillisecond);
  const auto since = Since(Hundred(), later);
  ASSERT_TRUE(since.has_value());
  EXPECT_EQ(since->count(), 4);
  EXPECT_EQ(since->buckets(1).count(), 0);
  EXPECT_EQ(since->buckets(2).count(), 4);
  EXPECT_EQ(MeanOf(*since), absl::Milliseconds(3));
}

TEST(HistogramTest, ARestartedServerHasNothingBetween) {
  v1::LatencyHistogram fewer = Hundred();
  fewer.set_count(1);
  EXPECT_FALSE(Since(Hundred(), fewer).has_value());
  v1::LatencyHistogram other_bounds = Hundred();
  other_bounds.mutable_buckets(0)->mutable_up_to()->set_nanos(1);
  EXPECT_FALSE(Since(Hundred(), other_bounds).has_value());
  EXPECT_FALSE(Since(v1::LatencyHistogram(), Hundred()).has_value());
}

}  // namespace
}  // namespace auth::authctl
