#pragma once

#include "pool/clock.h"
#include "pool/pool_stats.h"
#include "pool/sql_error.h"

namespace auth::pool {

// What the pool knows of the database from what happens anyway: it never asks. Not thread-safe.
class Reachability {
 public:
  explicit Reachability(MonotonicTime now) : since_(now) {}

  // A connect, a ping or a caller's statements went through.
  void OnAnswer(MonotonicTime now) { Set(true, now); }
  // A connect failed or a session was lost.
  void OnSilence(const SqlError& error, MonotonicTime now) {
    Set(false, now);
    last_ = error;
    failed_before_ = true;
  }
  // Something failed that says nothing of whether the database answers.
  void OnFault(const SqlError& error) {
    last_ = error;
    failed_before_ = true;
  }

  void Describe(PoolStats* stats) const {
    stats->database_reachable = reachable_;
    stats->reachable_since = since_;
    if (failed_before_) stats->last_fault = std::string(SqlFaultName(last_.fault));
    stats->last_sqlstate = last_.sqlstate;
  }

 private:
  void Set(bool reachable, MonotonicTime now) {
    if (reachable == reachable_) return;
    reachable_ = reachable;
    since_ = now;
  }

  bool reachable_ = false;
  MonotonicTime since_;
  bool failed_before_ = false;
  SqlError last_;
};

}  // namespace auth::pool
