#include "pool/pool_observer.h"

namespace auth::pool {

std::string_view Name(RetireReason reason) {
  switch (reason) {
    case RetireReason::kClosedByServer:
      return "closed_by_server";
    case RetireReason::kLost:
      return "lost";
    case RetireReason::kPingTimeout:
      return "ping_timeout";
    case RetireReason::kDeadline:
      return "deadline";
    case RetireReason::kIdleTimeout:
      return "idle_timeout";
    case RetireReason::kMaxLifetime:
      return "max_lifetime";
    case RetireReason::kStaleGeneration:
      return "stale_generation";
    case RetireReason::kReadOnly:
      return "read_only";
    case RetireReason::kStaleStatement:
      return "stale_statement";
    case RetireReason::kInvalidated:
      return "invalidated";
    case RetireReason::kDrained:
      return "drained";
  }
  return "unknown";
}

std::string_view Name(RecreateReason reason) {
  switch (reason) {
    case RecreateReason::kServerShutdown:
      return "server_shutdown";
    case RecreateReason::kReadOnly:
      return "read_only";
    case RecreateReason::kRepeatedLoss:
      return "repeated_loss";
    case RecreateReason::kConnectFailures:
      return "connect_failures";
    case RecreateReason::kRequested:
      return "requested";
  }
  return "unknown";
}

std::string_view Name(AcquireResult result) {
  switch (result) {
    case AcquireResult::kOk:
      return "ok";
    case AcquireResult::kTimeout:
      return "timeout";
    case AcquireResult::kRejected:
      return "rejected";
    case AcquireResult::kUnavailable:
      return "unavailable";
    case AcquireResult::kShutDown:
      return "shut_down";
  }
  return "unknown";
}

std::string_view Name(ValidationTier tier) {
  return tier == ValidationTier::kPeek ? "peek" : "ping";
}

std::string_view Name(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kOpen:
      return "open";
    case BreakerState::kHalfOpen:
      return "half_open";
  }
  return "unknown";
}

bool WasInvalid(RetireReason reason) {
  switch (reason) {
    case RetireReason::kClosedByServer:
    case RetireReason::kLost:
    case RetireReason::kPingTimeout:
    case RetireReason::kDeadline:
    case RetireReason::kReadOnly:
    case RetireReason::kStaleStatement:
      return true;
    case RetireReason::kIdleTimeout:
    case RetireReason::kMaxLifetime:
    case RetireReason::kStaleGeneration:
    case RetireReason::kInvalidated:
    case RetireReason::kDrained:
      return false;
  }
  return false;
}

}  // namespace auth::pool
