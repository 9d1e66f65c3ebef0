#pragma once

#include <array>
#include <cstddef>

#include "absl/status/status.h"
#include "pool/backoff.h"
#include "pool/circuit_breaker.h"
#include "pool/clock.h"
#include "pool/pool_options.h"
#include "pool/sql_error.h"

namespace auth::pool {

// What the pool looks like when it asks for a connect.
struct ConnectDemand {
  // Callers that only a new or a returning connection can serve.
  int waiters = 0;
  // Connects under way.
  int connecting = 0;
  // Connections that callers hold and will give back.
  int lent = 0;
};

// What a failed connect means for the pool.
struct ConnectFailure {
  // 1 … max_retries; the count starts again after the last.
  int attempt = 0;
  // No open connection speaks for the database: there is none, or none has answered for a while.
  bool silent = false;
  // The last of a series, and it casts doubt on the connections that are open.
  bool recreate = false;
  // The breaker opened, or opened again after a probe.
  bool breaker_opened = false;
};

// Decides whether and when to connect: demand, pace, the count of attempts and the breaker.
//
// Demand. A connect is wanted for every waiter that none under way covers, for what is left of
// min_connections since the start, and as a probe when callers are refused. While connections are
// lent out, one connect runs at a time, and at its end the demand is looked at again: a burst of
// short queries is served by what returns, and long queries still make the pool grow to its
// maximum. Only if nothing can return do `max_connecting` run side by side.
//
// Pace. After a failure one connect at a time, 0.2 to 0.4 s after the one before while callers
// wait, which notices a return soon and never makes more than five connects in a second. Nobody
// waits: no connects, but for the start, which backs off. Connects that succeed and lead to a
// server that takes no writes keep the same distance.
//
// Replacement. When all connections end together, because a server shuts down or another becomes
// the primary, they end together for every server of a fleet, and all would rush to the next
// primary at once. So the first is replaced at once, and the others one by one, spread at random
// over `replace_over`. This ends with the last of them, at another moment for every server.
//
// Doubt. What keeps us from connecting may be nobody's trouble but ours (no descriptor left, no
// name server) or a pooler's that is full. So failed connects cast doubt on the connections that
// are open only if none of those has answered since the first failure of the series.
//
// Pure logic over the times it is given. Not thread-safe.
class ConnectPolicy {
 public:
  explicit ConnectPolicy(const PoolOptions& options, Jitter jitter = Jitter());

  // Wants `count` connections without any caller.
  void RequestInitial(int count) { initial_ = count; }
  // A caller was refused: wants to know whether the database is back.
  void RequestProbe() { probe_ = true; }

  // The earliest moment for a connect; in the past if it is due, kNever if none is wanted.
  MonotonicTime NextConnect(const ConnectDemand& demand) const;

  // Each answers whether the breaker's state changed.
  bool OnStarted(MonotonicTime now);
  bool OnSuccess();
  // `open` counts the connections that may answer.
  ConnectFailure OnFailure(MonotonicTime started, MonotonicTime now, const absl::Status& status,
                           int open);
  // A connection answered, whatever it was asked.
  void OnAnswer() { answered_ = true; }
  // The pool was recreated because `lost` connections ended, or will.
  void OnRecreated(MonotonicTime now, int lost);
  // A session turned out to be read-only (25006).
  void OnReadOnlyServer(MonotonicTime now);

  // Callers that find no idle connection are refused while the breaker is not closed.
  BreakerState breaker() const { return breaker_.state(); }
  bool refusing() const { return breaker_.refusing(); }
  // How long a refused caller should stay away: until the next probe is due.
  Duration RetryAfter(MonotonicTime now) const;
  // Why the database refuses our configuration; OK if it does not, or has accepted it before.
  const absl::Status& configuration_failure() const { return configuration_failure_; }

 private:
  // Connects that may start in any second while they fail.
  static constexpr int kMostPerSecond = 5;

  bool urgent(const ConnectDemand& demand) const { return demand.waiters > 0 || probe_; }
  void SchedulePause(MonotonicTime started, MonotonicTime now);

  const int max_connecting_;
  const int max_retries_;
  const Duration replace_over_;
  CircuitBreaker breaker_;
  Jitter jitter_;
  Backoff start_backoff_;
  absl::Status configuration_failure_;
  bool succeeded_before_ = false;
  // The last connect failed.
  bool failing_ = false;
  // A connection has answered since the first failure of the newest series.
  bool answered_ = false;
  bool probe_ = false;
  // Connects keep their distance until then, because they may lead to a server of no use.
  MonotonicTime useless_until_{};
  // The earliest moment for the next connect if it has to keep its distance from the last.
  MonotonicTime distant_start_{};
  // Connects that begin no sooner than `next_replacement_`, which is drawn anew after each.
  int replacements_ = 0;
  Duration replacement_gap_{};
  MonotonicTime next_replacement_{};
  // If nobody has asked for them until then, they are like all others.
  MonotonicTime replace_until_{};
  int initial_ = 0;
  int attempt_ = 0;
  // The pause after a failure, while callers wait and at a start without callers.
  MonotonicTime urgent_not_before_{};
  MonotonicTime initial_not_before_{};
  // When the last failed connects began, the oldest at `oldest_start_`.
  std::array<MonotonicTime, kMostPerSecond> failed_starts_;
  size_t oldest_start_ = 0;
};

}  // namespace auth::pool
