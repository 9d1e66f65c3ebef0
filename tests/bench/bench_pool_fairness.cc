// How evenly a pool serves: 64 threads on 4 connections, queries of 0.5 ms. The slowest hundredth
// must wait no longer than twice the median, and nobody may overtake: exits with 1 if the median of
// five runs says otherwise.
//
//   bin/bench_pool_fairness

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "tests/support/pool_fairness.h"

int main() {
  constexpr int kRuns = 5;
  constexpr double kLargestRatio = 2;
  std::array<double, kRuns> ratios{};
  int64_t inversions = 0;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::printf("%8s %10s %8s %8s %8s %8s\n", "acquires", "inversions", "p50 ms", "p99 ms", "max ms",
              "p99/p50");
  for (double& ratio : ratios) {
    const auth::testing::FairnessReport report = auth::testing::MeasureFairness({});
    const Milliseconds p50 = report.wait_percentile(50);
    const Milliseconds p99 = report.wait_percentile(99);
    const Milliseconds longest = report.wait_percentile(100);
    ratio = p99 / p50;
    inversions += report.inversions;
    std::printf("%8zu %10ld %8.2f %8.2f %8.2f %8.2f\n", report.waits.size(), report.inversions,
                p50.count(), p99.count(), longest.count(), ratio);
  }
  std::nth_element(ratios.begin(), ratios.begin() + kRuns / 2, ratios.end());
  return inversions == 0 && ratios[kRuns / 2] <= kLargestRatio ? 0 : 1;
}
