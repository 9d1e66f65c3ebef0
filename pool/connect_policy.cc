#include "pool/connect_policy.h"

#include <algorithm>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The pause after a failed connect while callers wait. Shorter than the 0.6 s in which a return
// must be noticed, longer than what keeps the rate below five a second.
constexpr Duration kLeastPause = milliseconds(200);
constexpr Duration kMostPause = milliseconds(400);
// How long what we know of a server that takes no writes is worth: long enough to hear of the next
// such session, short enough not to slow the growth of a pool that has found another server.
constexpr Duration kUselessFor = seconds(1);
// retry_delay · 2ⁿ stops growing here: 0.5, 1, 2 s.
constexpr int kLargestBackoffFactor = 4;

}  // namespace

ConnectPolicy::ConnectPolicy(const PoolOptions& options, Jitter jitter)
    : max_connecting_(options.max_connecting),
      max_retries_(options.max_retries),
      replace_over_(options.replace_over),
      breaker_(options.outage_patience),
      jitter_(jitter),
      start_backoff_(options.retry_delay, options.retry_delay * kLargestBackoffFactor, jitter) {
  failed_starts_.fill(MonotonicTime::min());
}

MonotonicTime ConnectPolicy::NextConnect(const ConnectDemand& demand) const {
  int wanted = std::max(demand.waiters, initial_);
  if (probe_) wanted = std::max(wanted, 1);
  const bool one_at_a_time = failing_ || demand.lent > 0 || replacements_ > 0;
  if (demand.connecting >= std::min(wanted, one_at_a_time ? 1 : max_connecting_)) return kNever;
  if (failing_) return urgent(demand) ? urgent_not_before_ : initial_not_before_;
  const MonotonicTime useful = std::min(distant_start_, useless_until_);
  if (replacements_ == 0) return useful;
  return std::max(useful, std::min(next_replacement_, replace_until_));
}

bool ConnectPolicy::OnStarted(MonotonicTime now) {
  probe_ = false;
  distant_start_ = now + jitter_.Between(kLeastPause, kMostPause);
  if (now >= replace_until_) replacements_ = 0;
  if (replacements_ > 0) {
    --replacements_;
    next_replacement_ = now + jitter_.Between(replacement_gap_ / 2, replacement_gap_ * 3 / 2);
  }
  return breaker_.OnConnectStarted();
}

bool ConnectPolicy::OnSuccess() {
  succeeded_before_ = true;
  failing_ = false;
  probe_ = false;
  attempt_ = 0;
  if (initial_ > 0) --initial_;
  configuration_failure_ = absl::OkStatus();
  start_backoff_.Reset();
  return breaker_.OnSuccess();
}

ConnectFailure ConnectPolicy::OnFailure(MonotonicTime started, MonotonicTime now,
                                        const absl::Status& status, int open) {
  const SqlFault fault = SqlErrorOrLost(status).fault;
  ConnectFailure result;
  attempt_ = attempt_ % max_retries_ + 1;
  result.attempt = attempt_;
  result.silent = open == 0 || (!answered_ && !IsRefusedSession(fault));
  result.recreate = attempt_ == max_retries_ && !answered_ && !IsRefusedSession(fault);
  if (attempt_ == 1) answered_ = false;
  configuration_failure_ =
      fault == SqlFault::kConfiguration && !succeeded_before_ ? status : absl::OkStatus();
  // A server that takes no more sessions is no outage while we hold some: those come back to the
  // waiters.
  if (!IsRefusedSession(fault) || open == 0 || breaker_.refusing()) {
    result.breaker_opened = breaker_.OnFailure(started, now);
  }
  SchedulePause(started, now);
  return result;
}

void ConnectPolicy::OnRecreated(MonotonicTime now, int lost) {
  if (lost == 0 || replace_over_ == Duration::zero()) return;
  replacements_ = lost;
  replacement_gap_ = replace_over_ / lost;
  next_replacement_ = now;
  replace_until_ = now + 2 * replace_over_;
}

void ConnectPolicy::OnReadOnlyServer(MonotonicTime now) { useless_until_ = now + kUselessFor; }

void ConnectPolicy::SchedulePause(MonotonicTime started, MonotonicTime now) {
  failing_ = true;
  failed_starts_[oldest_start_] = started;
  oldest_start_ = (oldest_start_ + 1) % kMostPerSecond;
  // Two connects that ran side by side count as two: the pause alone would allow a sixth.
  const MonotonicTime second_over = failed_starts_[oldest_start_] == MonotonicTime::min()
                                        ? MonotonicTime::min()
                                        : failed_starts_[oldest_start_] + seconds(1);
  urgent_not_before_ = std::max(now + jitter_.Between(kLeastPause, kMostPause), second_over);
  initial_not_before_ = std::max(now + start_backoff_.Next(), urgent_not_before_);
}

Duration ConnectPolicy::RetryAfter(MonotonicTime now) const {
  if (!failing_) return kLeastPause;
  return std::clamp<Duration>(urgent_not_before_ - now, kLeastPause, seconds(1));
}

}  // namespace auth::pool
