#pragma once

#include "pool/clock.h"

namespace auth::testing {

// A clock that stands still until a test advances it. Thread-safe.
//
// Waiters look at it every millisecond of real time, so Advance needs to know nobody and no wake-up
// can be lost; WaitUntil may wake without a reason anyway.
class FakeClock final : public Clock {
 public:
  WallTime Now() const override;
  MonotonicTime Monotonic() const override;
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  void Advance(Duration by);
  // Moves the wall clock only, as an administrator or NTP would.
  void StepWallClock(Duration by);

 private:
  mutable Mutex mutex_;
  WallTime now_ ABSL_GUARDED_BY(mutex_) = WallTime(std::chrono::seconds(1'700'000'000));
  MonotonicTime monotonic_ ABSL_GUARDED_BY(mutex_) = MonotonicTime(std::chrono::hours(1));
};

}  // namespace auth::testing
