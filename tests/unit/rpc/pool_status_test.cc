#include "server/rpc/pool_status.h"

#include <gtest/gtest.h>

#include <limits>

namespace auth::rpc {
namespace {

// A busy server counts more borrows than 32 bits hold within days.
TEST(PoolStatusTest, CountsSinceTheStartDoNotOverflow) {
  constexpr uint64_t kFew = std::numeric_limits<int32_t>::max();
  constexpr uint64_t kMany = 3 * kFew;
  prometheus::ClientMetric metric;
  metric.histogram.sample_count = kMany;
  metric.histogram.sample_sum = 1;
  metric.histogram.bucket = {
      {.cumulative_count = kFew, .upper_bound = .001},
      {.cumulative_count = kMany, .upper_bound = std::numeric_limits<double>::infinity()}};
  ops::Snapshot snapshot;
  snapshot.families.push_back({.name = "auth_pool_acquire_seconds",
                               .help = "",
                               .type = prometheus::MetricType::Histogram,
                               .metric = {metric}});
  const v1::PoolStatus status = ToProto(snapshot);
  EXPECT_EQ(status.acquire().count(), int64_t{kMany});
  EXPECT_EQ(status.acquire().buckets(0).count(), int64_t{kFew});
  EXPECT_EQ(status.acquire().buckets(1).count(), int64_t{kMany - kFew});
}

}  // namespace
}  // namespace auth::rpc
