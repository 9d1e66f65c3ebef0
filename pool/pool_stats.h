#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/clock.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// One connection of the pool. The epoch stands for what is not known.
struct SlotStats {
  std::string_view state;  // "connecting", "validating", "idle", "in_use", "resetting"
  int64_t generation = 0;
  MonotonicTime opened{};
  MonotonicTime expires{};
  // When it was borrowed, or given back.
  MonotonicTime since{};
};

// What is known of the database, in a word.
enum class DatabaseState { kConnecting, kUp, kDown };
// "connecting", "up", "down".
std::string_view Name(DatabaseState state);

// One consistent picture of the pool, taken under its lock.
struct PoolStats {
  int connecting = 0;
  int validating = 0;
  int idle = 0;
  int in_use = 0;
  // Given back, being closed.
  int resetting = 0;
  int max = 0;
  int waiters = 0;
  // Raised whenever the pool is recreated; connections of older ones are not lent any more.
  int64_t generation = 0;
  BreakerState breaker = BreakerState::kClosed;
  // Whether the newest evidence (a connect, a statement's loss) says that the database answers.
  bool database_reachable = false;
  // When that last changed; the epoch before the first evidence.
  MonotonicTime reachable_since{};
  // SqlFaultName and SQLSTATE of the last failure; empty if there was none.
  std::string last_fault;
  std::string last_sqlstate;
  // Those there are, `total()` of them.
  std::vector<SlotStats> slots;

  // kConnecting before the first evidence.
  DatabaseState database() const;
  // What the database counts as ours.
  int total() const { return connecting + validating + idle + in_use + resetting; }
};

}  // namespace auth::pool
