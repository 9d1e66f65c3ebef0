#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::ops {

// Lets each event through at most so often a second. Remembers every name it has seen, so names
// must be a bounded set. Thread-safe.
class RepeatLimiter {
 public:
  // 0: no limit.
  explicit RepeatLimiter(int per_second) : per_second_(per_second) {}

  // If the event may pass: how many of it were held back since the last one that passed.
  std::optional<std::int64_t> Admit(std::string_view event, MonotonicTime now);

 private:
  struct Window {
    MonotonicTime start{};
    int passed = 0;
    std::int64_t held_back = 0;
  };

  const int per_second_;
  Mutex mutex_;
  std::map<std::string, Window, std::less<>> windows_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::ops
