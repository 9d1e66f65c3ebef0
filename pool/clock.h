#pragma once

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"

namespace auth {

using Duration = std::chrono::nanoseconds;
// For what is stored or shown: creation and expiry times.
using WallTime = std::chrono::system_clock::time_point;
// For everything that is measured or waited for: deadlines, ages, backoff. Never jumps.
using MonotonicTime = std::chrono::steady_clock::time_point;
// The time of what is not to happen.
constexpr MonotonicTime kNever = MonotonicTime::max();

// All time of the service. Code that waits or looks at the time gets a Clock by constructor, so
// that tests advance a FakeClock (tests/support/fake_clock.h) in the place of sleeping.
//
// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual WallTime Now() const = 0;
  virtual MonotonicTime Monotonic() const = 0;

  // Waits until `condition` is notified or `deadline` has passed; may also wake without a reason.
  // Loop:  while (!ready && clock.Monotonic() < deadline) clock.WaitUntil(deadline, cv, mutex);
  virtual void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) = 0;
};

// The machine's own clocks.
class RealClock final : public Clock {
 public:
  WallTime Now() const override { return std::chrono::system_clock::now(); }
  MonotonicTime Monotonic() const override { return std::chrono::steady_clock::now(); }
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

}  // namespace auth
