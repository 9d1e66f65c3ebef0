// How evenly a pool serves: 64 threads on 4 connections, queries of 0.5 ms. The slowest hundredth
// must wait no longer than twice the median, and nobody may overtake.
//
//   bin/bench_pool_fairness

#include <chrono>
#include <cstdio>

#include "tests/support/pool_fairness.h"

int main() {
  constexpr int kRuns = 5;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::printf("%8s %10s %8s %8s %8s %8s\n", "acquires", "inversions", "p50 ms", "p99 ms", "max ms",
              "p99/p50");
  for (int run = 0; run < kRuns; ++run) {
    const auth::testing::FairnessReport report = auth::testing::MeasureFairness({});
    const Milliseconds p50 = report.wait_percentile(50);
    const Milliseconds p99 = report.wait_percentile(99);
    const Milliseconds longest = report.wait_percentile(100);
    std::printf("%8zu %10ld %8.2f %8.2f %8.2f %8.2f\n", report.waits.size(), report.inversions,
                p50.count(), p99.count(), longest.count(), p99 / p50);
  }
}
