#include "tests/support/fake_clock.h"

namespace auth::testing {

WallTime FakeClock::Now() const {
  MutexLock lock(&mutex_);
  return now_;
}

MonotonicTime FakeClock::Monotonic() const {
  MutexLock lock(&mutex_);
  return monotonic_;
}

void FakeClock::WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const {
  if (Monotonic() >= deadline) return;
  condition->WaitUntilRealTime(mutex,
                               std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
}

void FakeClock::Advance(Duration by) {
  MutexLock lock(&mutex_);
  now_ += std::chrono::duration_cast<WallTime::duration>(by);
  monotonic_ += by;
}

void FakeClock::StepWallClock(Duration by) {
  MutexLock lock(&mutex_);
  now_ += std::chrono::duration_cast<WallTime::duration>(by);
}

}  // namespace auth::testing
