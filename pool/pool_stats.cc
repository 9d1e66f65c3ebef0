#include "pool/pool_stats.h"

namespace auth::pool {

std::string_view Name(DatabaseState state) {
  switch (state) {
    case DatabaseState::kConnecting:
      return "connecting";
    case DatabaseState::kUp:
      return "up";
    case DatabaseState::kDown:
      return "down";
  }
  return "unknown";
}

DatabaseState PoolStats::database() const {
  if (database_reachable && breaker != BreakerState::kOpen) return DatabaseState::kUp;
  return reachable_since == MonotonicTime{} ? DatabaseState::kConnecting : DatabaseState::kDown;
}

}  // namespace auth::pool
