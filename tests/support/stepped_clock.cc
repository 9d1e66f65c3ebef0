#include "tests/support/stepped_clock.h"

#include <algorithm>
#include <chrono>

namespace auth::testing {
namespace {

using RealTime = std::chrono::steady_clock;

// How long nothing must happen, in real time, before all are believed to wait.
constexpr Duration kQuiet = std::chrono::microseconds(50);
// A wait that nobody ends is looked at again so often, in real time.
constexpr Duration kLook = std::chrono::seconds(1);

}  // namespace

WallTime SteppedClock::Now() const {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(Monotonic().time_since_epoch()));
}

MonotonicTime SteppedClock::Monotonic() const {
  MutexLock lock(&mutex_);
  return now_;
}

void SteppedClock::WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const {
  Waits::iterator wait;
  {
    MutexLock lock(&mutex_);
    if (now_ >= deadline) return;
    wait = waits_.emplace(deadline, condition);
    ++changes_;
    if (AllWait()) all_wait_.NotifyOne();
  }
  condition->WaitUntilRealTime(mutex, RealTime::now() + kLook);
  MutexLock lock(&mutex_);
  waits_.erase(wait);
  ++changes_;
}

void SteppedClock::Pass(Duration time) const {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  const MonotonicTime end = Monotonic() + time;
  while (Monotonic() < end) WaitUntil(end, &never, &mutex);
}

void SteppedClock::Enter(int threads) {
  MutexLock lock(&mutex_);
  threads_ += threads;
  all_wait_.NotifyOne();
}

void SteppedClock::Run(Duration time) {
  MutexLock lock(&mutex_);
  const MonotonicTime end = now_ + time;
  while (true) {
    AwaitQuiet();
    if (now_ >= end) return;
    const MonotonicTime next = waits_.empty() ? end : waits_.begin()->first;
    now_ += std::min(std::clamp<Duration>(next - now_, kShortestStep, kLongestStep), end - now_);
    WakeDue();
  }
}

void SteppedClock::AwaitQuiet() {
  int64_t seen = -1;
  while (!AllWait() || changes_ != seen) {
    seen = changes_;
    all_wait_.WaitUntilRealTime(&mutex_, RealTime::now() + (AllWait() ? kQuiet : kLook));
  }
}

void SteppedClock::WakeDue() {
  // Again and again: one that was about to wait has not heard the first time.
  while (!waits_.empty() && waits_.begin()->first <= now_) {
    for (const auto& [deadline, condition] : waits_) {
      if (deadline > now_) break;
      condition->NotifyAll();
    }
    all_wait_.WaitUntilRealTime(&mutex_, RealTime::now() + kQuiet);
  }
}

}  // namespace auth::testing
