#include "pool/generation.h"

#include "pool/sql_error.h"

namespace auth::pool {
namespace {

// Between two raises, and the window in which two losses are one event.
constexpr Duration kWindow = std::chrono::seconds(1);

// admin_shutdown and crash_shutdown.
bool IsShutdown(std::string_view sqlstate) { return sqlstate == "57P01" || sqlstate == "57P02"; }

}  // namespace

void Generation::Raise(RecreateReason reason, MonotonicTime now) {
  ++current_;
  reason_ = reason;
  last_raise_ = now;
  pending_.reset();
  last_loss_.reset();
}

bool Generation::Request(RecreateReason reason, MonotonicTime now) {
  if (last_raise_.has_value() && now - *last_raise_ < kWindow) {
    // The weakest reason, which a successful connect takes back, must not stand for another.
    if (!pending_.has_value() || pending_ == RecreateReason::kConnectFailures) pending_ = reason;
    return false;
  }
  Raise(reason, now);
  return true;
}

bool Generation::OnLoss(std::string_view sqlstate, MonotonicTime now) {
  if (IsShutdown(sqlstate)) return Request(RecreateReason::kServerShutdown, now);
  if (IsIdleClose(sqlstate)) return false;
  const bool repeated = last_loss_.has_value() && now - *last_loss_ < kWindow;
  last_loss_ = now;
  return repeated && Request(RecreateReason::kRepeatedLoss, now);
}

void Generation::OnConnected() {
  if (pending_ == RecreateReason::kConnectFailures) pending_.reset();
}

MonotonicTime Generation::due() const {
  return pending_.has_value() ? *last_raise_ + kWindow : kNever;
}

bool Generation::RaiseIfDue(MonotonicTime now) {
  if (!pending_.has_value() || now < due()) return false;
  Raise(*pending_, now);
  return true;
}

}  // namespace auth::pool
