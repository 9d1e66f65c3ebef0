// Strictly first come, first served, also when 64 threads fight for 4 connections.

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "tests/support/pool_fairness.h"

namespace auth::pool {
namespace {

TEST(ConnectionPoolFairnessTest, TwentyThousandAcquiresWithoutAnInversion) {
  const testing::FairnessReport report = testing::MeasureFairness({});
  const std::chrono::duration<double, std::milli> p50 = report.wait_percentile(50);
  const std::chrono::duration<double, std::milli> p99 = report.wait_percentile(99);
  std::cout << report.waits.size() << " acquires, waits p50 " << p50.count() << " ms, p99 "
            << p99.count() << " ms\n";
  EXPECT_GE(report.waits.size(), 20'000u);
  EXPECT_GT(report.wait_percentile(50), Duration::zero()) << "nobody waited";
  EXPECT_EQ(report.inversions, 0);
}

}  // namespace
}  // namespace auth::pool
