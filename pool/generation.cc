#include "pool/generation.h"

#include "pool/sql_error.h"

namespace auth::pool {
namespace {

// Between two raises, and the window in which two losses are one event.
constexpr Duration kWindow = std::chrono::seconds(1);

// admin_shutdown and crash_shutdown.
bool IsShutdown(std::string_view sqlstate) { return sqlstate == "57P01" || sqlstate == "57P02"; }

}  // namespace

bool Generation::Tells(int64_t generation) const {
  return generation >= (condemns() ? pending_->oldest_valid : oldest_valid_);
}

void Generation::Raise(RecreateReason reason, MonotonicTime now) {
  last_loss_.reset();
  Make({reason, ++newest_}, now);
}

bool Generation::Request(RecreateReason reason, MonotonicTime now) {
  if (!last_raise_.has_value() || now - *last_raise_ >= kWindow) {
    Raise(reason, now);
    return true;
  }
  if (condemns()) {
    // The weakest reason, which an answer takes back, adds nothing to another.
    if (reason == RecreateReason::kConnectFailures) return false;
    reason = pending_->reason;
  }
  last_loss_.reset();
  pending_ = {reason, ++newest_};
  return false;
}

void Generation::Make(const Pending& request, MonotonicTime now) {
  oldest_valid_ = request.oldest_valid;
  reason_ = request.reason;
  last_raise_ = now;
  pending_.reset();
}

bool Generation::OnLoss(std::string_view sqlstate, MonotonicTime now) {
  if (IsShutdown(sqlstate)) return Request(RecreateReason::kServerShutdown, now);
  if (IsIdleClose(sqlstate)) return false;
  const bool repeated = last_loss_.has_value() && now - *last_loss_ < kWindow;
  last_loss_ = now;
  return repeated && Request(RecreateReason::kRepeatedLoss, now);
}

void Generation::OnAnswer() {
  if (!condemns()) pending_.reset();
}

MonotonicTime Generation::due() const {
  return pending_.has_value() ? *last_raise_ + kWindow : kNever;
}

bool Generation::RaiseIfDue(MonotonicTime now) {
  if (!pending_.has_value() || now < due()) return false;
  const Pending request = *pending_;
  Make(request, now);
  return true;
}

}  // namespace auth::pool
