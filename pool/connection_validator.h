#pragma once

#include <optional>

#include "pool/clock.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/retirement.h"
#include "pool/slot.h"

namespace auth::pool {

// Whether a connection may be lent.
struct Validation {
  // Answered a ping just now.
  bool pinged = false;
  // Why not to lend it.
  std::optional<Retirement> unfit;
};

// Looks whether a connection is alive before it is lent, at the least cost that is safe:
//   1. its age;
//   2. one look at the socket (a microsecond): finds what the server closed, but not a connection
//      that was cut without a word;
//   3. a ping, one round trip and bounded by ping_timeout, only if it was idle for
//      validate_after_idle, another one has just died, or the socket has something to read.
//
// Thread-safe; a slot is validated by the thread that took it.
class ConnectionValidator {
 public:
  ConnectionValidator(const PoolOptions& options, const Clock* clock, PoolObserver* observer);

  Validation Validate(Slot* slot, MonotonicTime deadline) const;

 private:
  Validation Ping(Slot* slot, MonotonicTime now, MonotonicTime deadline) const;

  const Duration validate_after_idle_;
  const Duration ping_timeout_;
  const Clock* const clock_;
  PoolObserver* const observer_;
};

}  // namespace auth::pool
