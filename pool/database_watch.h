#pragma once

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/dial_policy.h"
#include "pool/pool_stats.h"
#include "pool/reachability.h"
#include "pool/sql_error.h"

namespace auth::pool {

// What the pool knows of the database, and, while somebody looks at the pool, how it finds out
// more: by glances at its idle sockets, four times a second, and by dials (DialPolicy). Nobody
// looks: it only takes what happens anyway (Reachability).
//
// Pure logic over the times it is given. Not thread-safe.
class DatabaseWatch {
 public:
  // The database answered, or did not. Each tells whether that is news.
  bool OnAnswer(MonotonicTime now);
  bool OnSilence(const SqlError& error, MonotonicTime now);
  // Something failed that says nothing of whether the database answers.
  void OnFault(const SqlError& error) { reachability_.OnFault(error); }

  // Somebody looks at the pool. When to glance at the idle sockets; in the past if it is due.
  MonotonicTime OnLook(MonotonicTime now);
  // Whether to glance at the idle sockets now.
  bool GlanceIfDue(MonotonicTime now);
  // When to ask again; kNever while nobody looks.
  MonotonicTime next_glance() const {
    return next_glance_ < watched_until_ ? next_glance_ : kNever;
  }
  // A glance, or another look at an idle socket, found that the server has closed it.
  void OnIdleClosed(MonotonicTime now);

  // When to dial; kNever if there is nothing to find out, or a dial is under way.
  MonotonicTime next_dial() const { return dial_.due(); }
  void OnDialStarted(MonotonicTime now) { dial_.OnStarted(now); }
  // Whether what a dial answered is news.
  bool OnDialed(const absl::Status& status, MonotonicTime now);

  void Describe(PoolStats* stats) const { reachability_.Describe(stats); }

 private:
  Reachability reachability_;
  DialPolicy dial_;
  // Somebody looks until then.
  MonotonicTime watched_until_{};
  MonotonicTime next_glance_{};
};

}  // namespace auth::pool
