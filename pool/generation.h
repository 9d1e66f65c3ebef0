#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pool/clock.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// The number that tells today's connections from those made before the pool was recreated, and the
// rules for raising it: at most once a second, so that a storm of losses does not close what was
// just opened; what is asked for sooner is done when the second is over.
//
// Pure logic over the times it is given. Not thread-safe.
class Generation {
 public:
  static constexpr MonotonicTime kNever = MonotonicTime::max();

  int64_t current() const { return current_; }
  // Why it was raised last; kRequested before the first time.
  RecreateReason reason() const { return reason_; }

  // Raises now, whatever was before.
  void Raise(RecreateReason reason, MonotonicTime now);
  // Raises now (true), or remembers to do so at due().
  bool Request(RecreateReason reason, MonotonicTime now);
  // A connection of the current generation was lost. Raises (true) or remembers, if the server said
  // that it shuts down, or if this is the second loss within a second.
  bool OnLoss(std::string_view sqlstate, MonotonicTime now);
  // A connect succeeded: to recreate the pool because connects fail has lost its point.
  void OnConnected();

  // When a remembered request is to be made; kNever if there is none.
  MonotonicTime due() const;
  // Makes the remembered request if its time has come.
  bool RaiseIfDue(MonotonicTime now);

 private:
  int64_t current_ = 1;
  RecreateReason reason_ = RecreateReason::kRequested;
  std::optional<RecreateReason> pending_;
  std::optional<MonotonicTime> last_raise_;
  std::optional<MonotonicTime> last_loss_;
};

}  // namespace auth::pool
