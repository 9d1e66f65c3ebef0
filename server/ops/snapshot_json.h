#pragma once

#include <string>

#include "server/ops/snapshot.h"

namespace auth::ops {

// A snapshot as JSON, for /dashboard/snapshot: everything that the page shows. Times are RFC 3339
// in UTC, durations seconds, and null stands for what is not known. Holds no secret and no user
// data.
std::string SnapshotJson(const Snapshot& snapshot);

// The part of it that /health/database answers: status, since, breaker, lastError and the pool.
struct DatabaseHealth {
  bool up = false;
  std::string json;
};
DatabaseHealth DatabaseHealthJson(const Snapshot& snapshot);

}  // namespace auth::ops
