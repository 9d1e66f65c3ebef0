#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pool/clock.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// The numbers that tell today's connections from those made before the pool was recreated, and the
// rules for raising them.
//
// The pool is recreated at most once a second, so that a storm of losses does not close what was
// just opened; what is asked for sooner is done when the second is over. So there are two numbers:
// `newest` is raised when it is asked for, `oldest_valid` catches up when it is done. What was
// opened in between, on the server that is there by then, is not closed.
//
// Pure logic over the times it is given. Not thread-safe.
class Generation {
 public:
  // The generation of a connect that begins now.
  int64_t newest() const { return newest_; }
  // Connections of older generations must not be used.
  int64_t oldest_valid() const { return oldest_valid_; }
  // Whether what happens to a connection of this generation says anything of the others: not if it
  // was made before the pool was recreated, or before that was asked for.
  bool Tells(int64_t generation) const;
  // Why it was raised last; kRequested before the first time.
  RecreateReason reason() const { return reason_; }

  // Raises now, whatever was before.
  void Raise(RecreateReason reason, MonotonicTime now);
  // Raises now (true), or remembers to do so at due().
  bool Request(RecreateReason reason, MonotonicTime now);
  // A connection was lost that Tells. Raises (true) or remembers, if the server said that it shuts
  // down, or if this is the second loss within a second.
  bool OnLoss(std::string_view sqlstate, MonotonicTime now);
  // A connect succeeded, or a connection answered that Tells: to recreate the pool because connects
  // fail has lost its point.
  void OnAnswer();

  // When a remembered request is to be made; kNever if there is none.
  MonotonicTime due() const;
  // Makes the remembered request if its time has come.
  bool RaiseIfDue(MonotonicTime now);

 private:
  struct Pending {
    RecreateReason reason;
    int64_t oldest_valid;
  };

  // Connections are condemned already, by more than that connects fail.
  bool condemns() const {
    return pending_.has_value() && pending_->reason != RecreateReason::kConnectFailures;
  }
  void Make(const Pending& request, MonotonicTime now);

  int64_t newest_ = 1;
  int64_t oldest_valid_ = 1;
  RecreateReason reason_ = RecreateReason::kRequested;
  std::optional<Pending> pending_;
  std::optional<MonotonicTime> last_raise_;
  std::optional<MonotonicTime> last_loss_;
};

}  // namespace auth::pool
