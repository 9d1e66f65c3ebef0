#include "server/ops/repeat_limiter.h"

#include <utility>

namespace auth::ops {

std::optional<std::int64_t> RepeatLimiter::Admit(std::string_view event, MonotonicTime now) {
  if (per_second_ == 0) return 0;
  MutexLock lock(&mutex_);
  auto found = windows_.find(event);
  if (found == windows_.end()) found = windows_.emplace(event, Window{.start = now}).first;
  Window& window = found->second;
  if (now - window.start >= std::chrono::seconds(1)) {
    window.start = now;
    window.passed = 0;
  }
  if (window.passed >= per_second_) {
    ++window.held_back;
    return std::nullopt;
  }
  ++window.passed;
  return std::exchange(window.held_back, 0);
}

}  // namespace auth::ops
