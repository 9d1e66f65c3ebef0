#pragma once

#include <cstdint>
#include <random>

#include "pool/clock.h"

namespace auth::pool {

// Random delays, so that many clients do not act in step. Not for secrets. Not thread-safe.
class Jitter {
 public:
  // Seeds itself from the system.
  Jitter();
  explicit Jitter(uint32_t seed);

  // Uniform in [low, high].
  Duration Between(Duration low, Duration high);

 private:
  std::minstd_rand random_;
};

// Exponential backoff with full jitter: the n-th delay (n = 0, 1, …) is uniform between zero and
// min(first · 2ⁿ, most). Not thread-safe.
//
//   Backoff backoff(std::chrono::milliseconds(500), std::chrono::seconds(2));
//   while (!Try()) wait(backoff.Next());  // up to 0.5 s, 1 s, 2 s, 2 s, …
class Backoff {
 public:
  Backoff(Duration first, Duration most) : Backoff(first, most, Jitter()) {}
  Backoff(Duration first, Duration most, Jitter jitter);

  Duration Next();
  // Starts again from `first`.
  void Reset() { cap_ = first_; }

 private:
  const Duration first_;
  const Duration most_;
  Duration cap_;
  Jitter jitter_;
};

}  // namespace auth::pool
