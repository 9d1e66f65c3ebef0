#pragma once

#include <algorithm>
#include <chrono>

#include "pool/clock.h"
#include "pool/mutex.h"
#include "tests/support/eventually.h"

namespace auth::testing {

// A door in the path of work: open, until a test closes it. Thread-safe.
class Gate {
 public:
  enum class State { kOpen, kClosed };
  explicit Gate(State state = State::kOpen) : open_(state == State::kOpen) {}

  void Close() { Set(false); }
  void Open() { Set(true); }

  // Waits until the gate is open; false if `deadline` passes first, in real time.
  bool Pass(MonotonicTime deadline = MonotonicTime::max()) {
    const RealClock clock;
    MutexLock lock(&mutex_);
    ++waiting_;
    while (!open_ && clock.Monotonic() < deadline) {
      // Not the maximum itself: some libraries overflow on it.
      clock.WaitUntil(std::min(deadline, clock.Monotonic() + std::chrono::hours(1)), &changed_,
                      &mutex_);
    }
    --waiting_;
    return open_;
  }

  // Until exactly `count` threads wait before the gate; false if that does not happen in 10 s.
  bool AwaitWaiting(int count) {
    return Eventually([&] {
      MutexLock lock(&mutex_);
      return waiting_ == count;
    });
  }

 private:
  void Set(bool open) {
    MutexLock lock(&mutex_);
    open_ = open;
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_);
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace auth::testing
