#pragma once

#include <optional>
#include <string>

#include "pool/clock.h"
#include "pool/pool_stats.h"
#include "pool/sql_error.h"

namespace auth::pool {

// What the pool knows of the database from what happens anyway: it never asks. Not thread-safe.
class Reachability {
 public:
  // A connect, a ping or a caller's statements went through. Whether that is news.
  bool OnAnswer(MonotonicTime now) { return Set(true, now); }
  // A connect failed or a session was lost. Whether that is news.
  bool OnSilence(const SqlError& error, MonotonicTime now) {
    OnFault(error);
    return Set(false, now);
  }
  // Something failed that says nothing of whether the database answers.
  void OnFault(const SqlError& error) {
    last_ = error;
    failed_before_ = true;
  }

  // There is evidence, and it says that the database does not answer.
  bool silent() const { return reachable_ == false; }

  void Describe(PoolStats* stats) const {
    stats->database_reachable = reachable_.value_or(false);
    stats->reachable_since = since_;
    if (failed_before_) stats->last_fault = std::string(SqlFaultName(last_.fault));
    stats->last_sqlstate = last_.sqlstate;
  }

 private:
  bool Set(bool reachable, MonotonicTime now) {
    if (reachable_ == reachable) return false;
    reachable_ = reachable;
    since_ = now;
    return true;
  }

  std::optional<bool> reachable_;  // unset before the first evidence
  MonotonicTime since_{};
  bool failed_before_ = false;
  SqlError last_;
};

}  // namespace auth::pool
