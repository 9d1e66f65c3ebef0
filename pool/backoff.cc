#include "pool/backoff.h"

#include <algorithm>

namespace auth::pool {

Jitter::Jitter() : Jitter(std::random_device()()) {}

Jitter::Jitter(uint32_t seed) {
  // Mixes: by itself minstd_rand begins with small numbers for small seeds.
  std::seed_seq sequence{seed};
  random_.seed(sequence);
}

Duration Jitter::Between(Duration low, Duration high) {
  return Duration(std::uniform_int_distribution<int64_t>(low.count(), high.count())(random_));
}

Backoff::Backoff(Duration first, Duration most, Jitter jitter)
    : first_(std::min(first, most)), most_(most), cap_(first_), jitter_(jitter) {}

Duration Backoff::Next() {
  const Duration delay = jitter_.Between(Duration::zero(), cap_);
  cap_ = cap_ > most_ / 2 ? most_ : cap_ * 2;
  return delay;
}

}  // namespace auth::pool
