#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/effect.h"
#include "pool/sql_error.h"

namespace auth::pool {

// Why a connection was closed.
enum class RetireReason {
  kClosedByServer,  // the peek or the ping found it dead
  kLost,            // it died in use
  kPingTimeout,     // no answer within ping_timeout
  kDeadline,        // cut by the watchdog at a call's deadline
  kIdleTimeout,
  kMaxLifetime,
  kStaleGeneration,  // made before the pool was recreated
  kReadOnly,         // the server is no primary any more
  kStaleStatement,   // prepared statements out of step
  kInvalidated,      // InvalidateAll
  kDrained,
};
// Why the generation was raised.
enum class RecreateReason {
  kServerShutdown,
  kReadOnly,
  kRepeatedLoss,
  kConnectFailures,
  kRequested
};
// How a borrow ended.
enum class AcquireResult { kOk, kTimeout, kRejected, kUnavailable, kShutDown };
enum class ValidationTier { kPeek, kPing };
enum class BreakerState { kClosed, kOpen, kHalfOpen };

// Names for logs and metric labels, e.g. "idle_timeout". Bounded sets.
std::string_view Name(RetireReason reason);
std::string_view Name(RecreateReason reason);
std::string_view Name(AcquireResult result);
std::string_view Name(ValidationTier tier);
std::string_view Name(BreakerState state);

// Whether a connection was closed because it no longer worked, and not because of its age.
bool WasInvalid(RetireReason reason);

// Is told what happens in the pool: metrics and the log hang here, the pool knows neither.
// Called without a lock held, from any thread; must not block, and of the pool must call nothing
// but Stats.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;

  virtual void OnStarted(int /*min_connections*/, int /*max_connections*/) {}
  virtual void OnAcquire(AcquireResult /*result*/, Duration /*wait*/) {}
  virtual void OnConnected(Duration /*took*/) {}
  // `attempt` counts 1 … max_attempts, then starts again.
  virtual void OnConnectFailed(int /*attempt*/, int /*max_attempts*/, const absl::Status& /*why*/) {
  }
  virtual void OnRetryScheduled(Duration /*delay*/) {}
  virtual void OnValidated(ValidationTier /*tier*/, bool /*alive*/) {}
  virtual void OnRetired(RetireReason /*reason*/) {}
  virtual void OnRecreated(RecreateReason /*reason*/, int64_t /*generation*/) {}
  virtual void OnBreaker(BreakerState /*state*/) {}
  // The database began or ceased to answer: ConnectionPool::Stats tells which, as the newest of
  // several threads that are told at once.
  virtual void OnReachabilityChanged() {}
  virtual void OnLeak(Duration /*borrowed_for*/) {}
  // One attempt of TransactionRunner; `fault` is empty for success.
  virtual void OnAttempt(Effect /*effect*/, std::string_view /*fault*/) {}
  // A write whose fate was unknown: "replayed" or "unknown".
  virtual void OnInDoubt(std::string_view /*resolution*/) {}
};

}  // namespace auth::pool
