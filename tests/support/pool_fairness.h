#pragma once

#include <cstdint>
#include <vector>

#include "pool/clock.h"

namespace auth::testing {

// Many threads that borrow from a small pool on the real clock, as fast as they are served.
struct FairnessLoad {
  int threads = 64;
  int connections = 4;
  int acquires = 20'000;
  Duration hold = std::chrono::microseconds(500);
};

// How they were served.
struct FairnessReport {
  // Shortest first.
  std::vector<Duration> waits;
  // Pairs of callers of whom the one that came second was served first, beyond doubt: it called
  // when the other was in the queue already, and had its connection before the other's was given
  // back by its last borrower.
  int64_t inversions = 0;

  Duration wait_percentile(int percent) const;
};

FairnessReport MeasureFairness(const FairnessLoad& load);

}  // namespace auth::testing
