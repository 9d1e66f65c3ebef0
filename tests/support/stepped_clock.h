#pragma once

#include <cstdint>
#include <map>

#include "pool/clock.h"

namespace auth::testing {

// A clock for simulations with hundreds of threads: time stands still while any of them works, and
// jumps to the next moment that somebody waits for when all of them wait. So a simulated minute
// takes as long as its work, on a busy machine too. Thread-safe.
//
// Every thread that waits must be counted by Enter, and must wait only through this clock. A thread
// that is woken by another but does not run yet looks as if it waited: the clock lets it start for
// a moment, and a machine that takes longer costs it one step, kLongestStep at most.
class SteppedClock final : public Clock {
 public:
  static constexpr Duration kShortestStep = std::chrono::milliseconds(10);
  static constexpr Duration kLongestStep = std::chrono::milliseconds(50);

  WallTime Now() const override;
  MonotonicTime Monotonic() const override;
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Waits where nobody wakes.
  void Pass(Duration time) const;

  // `threads` more take part, or less if negative.
  void Enter(int threads);
  // Lets `time` pass, in the thread of the test, which is none of those that take part.
  void Run(Duration time);

 private:
  using Waits = std::multimap<MonotonicTime, CondVar*>;

  bool AllWait() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(waits_.size()) == threads_;
  }
  void AwaitQuiet() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  mutable CondVar all_wait_;
  mutable Waits waits_ ABSL_GUARDED_BY(mutex_);
  // Waits that began or ended.
  mutable int64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  int threads_ ABSL_GUARDED_BY(mutex_) = 0;
  MonotonicTime now_ ABSL_GUARDED_BY(mutex_) = MonotonicTime(std::chrono::hours(1));
};

}  // namespace auth::testing
