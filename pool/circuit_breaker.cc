#include "pool/circuit_breaker.h"

namespace auth::pool {

bool CircuitBreaker::OnConnectStarted() {
  if (state_ != BreakerState::kOpen) return false;
  state_ = BreakerState::kHalfOpen;
  return true;
}

bool CircuitBreaker::OnSuccess() {
  first_failure_.reset();
  if (state_ == BreakerState::kClosed) return false;
  state_ = BreakerState::kClosed;
  return true;
}

bool CircuitBreaker::OnFailure(MonotonicTime started, MonotonicTime failed) {
  const bool silence = first_failure_.has_value() && started - last_failure_ > patience_;
  if (!first_failure_.has_value() || silence) first_failure_ = failed;
  last_failure_ = failed;
  if (state_ == BreakerState::kOpen) return false;
  if (state_ == BreakerState::kClosed && failed - *first_failure_ < patience_) return false;
  state_ = BreakerState::kOpen;
  return true;
}

}  // namespace auth::pool
