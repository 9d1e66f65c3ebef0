#pragma once

#include <optional>

#include "pool/clock.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// Says when an outage has lasted too long to let callers wait for its end.
//
// Opens when connects have failed for `patience`, counted from the first failure, without one
// success; while it is open one connect at a time probes (half-open), and the first success closes
// it. A pause longer than `patience` in which nobody tried to connect begins a new run of failures:
// silence is no evidence.
//
// Pure logic over the times it is given. Not thread-safe.
class CircuitBreaker {
 public:
  explicit CircuitBreaker(Duration patience) : patience_(patience) {}

  BreakerState state() const { return state_; }
  // Whether callers are to be refused: open or half-open.
  bool refusing() const { return state_ != BreakerState::kClosed; }

  // Each answers whether the state changed.
  bool OnConnectStarted();
  bool OnSuccess();
  bool OnFailure(MonotonicTime started, MonotonicTime failed);

 private:
  const Duration patience_;
  BreakerState state_ = BreakerState::kClosed;
  std::optional<MonotonicTime> first_failure_;
  MonotonicTime last_failure_{};
};

}  // namespace auth::pool
