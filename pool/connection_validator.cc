#include "pool/connection_validator.h"

#include <algorithm>

#include "absl/status/status.h"
#include "pool/sql_error.h"

namespace auth::pool {

ConnectionValidator::ConnectionValidator(const PoolOptions& options, const Clock* clock,
                                         PoolObserver* observer)
    : validate_after_idle_(options.validate_after_idle),
      ping_timeout_(options.ping_timeout),
      clock_(clock),
      observer_(observer) {}

Validation ConnectionValidator::Validate(Slot* slot, MonotonicTime deadline) const {
  const MonotonicTime now = clock_->Monotonic();
  if (now >= slot->expires) return {false, Retirement{RetireReason::kMaxLifetime, std::nullopt}};
  const SocketState socket = slot->connection->Peek();
  observer_->OnValidated(ValidationTier::kPeek, socket != SocketState::kDead);
  if (socket == SocketState::kDead) {
    return {false, Retirement{RetireReason::kClosedByServer, std::nullopt}};
  }
  const bool doubtful = slot->suspect || socket == SocketState::kReadable ||
                        now - slot->last_used > validate_after_idle_;
  return doubtful ? Ping(slot, now, deadline) : Validation{};
}

Validation ConnectionValidator::Ping(Slot* slot, MonotonicTime now, MonotonicTime deadline) const {
  const MonotonicTime limit = now + ping_timeout_;
  const absl::Status status = slot->connection->Ping(std::min(limit, deadline));
  observer_->OnValidated(ValidationTier::kPing, status.ok());
  if (status.ok()) {
    slot->suspect = false;
    return {true, std::nullopt};
  }
  SqlError failure = SqlErrorOrLost(status);
  if (failure.fault != SqlFault::kDeadline) {
    return {false, Retirement{RetireReason::kClosedByServer, failure}};
  }
  // Cut by the caller's own deadline it may have been alive.
  if (deadline < limit) return {false, Retirement{RetireReason::kDeadline, failure}};
  // Two that do not answer are as good as two that were lost: the pool is recreated.
  failure.fault = SqlFault::kLost;
  return {false, Retirement{RetireReason::kPingTimeout, failure}};
}

}  // namespace auth::pool
