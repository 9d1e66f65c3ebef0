#pragma once

#include "pool/clock.h"
#include "pool/deferred.h"
#include "pool/mutex.h"

namespace auth::pool {

// When the maintainer, which sleeps while there is nothing to do, is to wake. Not thread-safe: the
// mutex with which the maintainer waits guards it.
class MaintenanceAlarm {
 public:
  // It sleeps until `when` at the latest.
  void WakeAt(MonotonicTime when, Deferred* deferred) {
    if (when >= wakes_at_) return;
    wakes_at_ = when;
    deferred->Wake(&rings_);
  }
  void WakeNow(Deferred* deferred) { WakeAt(kAwake, deferred); }

  // For the maintainer: sleeps until `when`, or until it is woken.
  void Sleep(MonotonicTime when, const Clock* clock, Mutex* mutex)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    wakes_at_ = when;
    clock->WaitUntil(when, &rings_, mutex);
    wakes_at_ = kAwake;
  }

 private:
  // While it is awake it looks at everything anyway.
  static constexpr MonotonicTime kAwake = MonotonicTime::min();

  CondVar rings_;
  MonotonicTime wakes_at_ = kAwake;
};

}  // namespace auth::pool
