#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace auth::testing {

// Waits for a condition that no one can notify us of (another process, a kernel queue): looks every
// millisecond until `deadline` has passed in real time. Returns the last look.
inline bool Eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    never.wait_for(lock, std::chrono::milliseconds(1));
  }
  return true;
}

// Lets `time` pass. For the rhythm of a fault; what has to happen is waited for with Eventually.
inline void LetPass(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  (void)Eventually([end] { return std::chrono::steady_clock::now() >= end; }, time);
}

}  // namespace auth::testing
