#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/pool_stats.h"
#include "server/ops/http_route.h"

namespace auth::ops {

// Where the answers of the ops listener come from. All thread-safe; none queries the database.
struct OpsSources {
  // OK if the process can accept calls; may block for a second (ListenerProbe::Check).
  std::function<absl::Status()> live;
  // OK if this process is ready to work; the message says why not. Must not block.
  std::function<absl::Status()> ready;
  // Must not block.
  std::function<pool::PoolStats()> pool;
  // The text of /metrics (MetricsPage::Render).
  std::function<std::string()> metrics;
};

// The table of /livez, /readyz, /health/database and /metrics. `clock` must outlive the server.
//
//   /livez, /readyz     200 {"status":"ok"}, or 503 {"status":"unavailable","reason":"…"}
//   /health/database    200 or 503 with status, since, breaker, lastError and the pool's gauges
//   /metrics            the Prometheus text format
std::vector<HttpRoute> OpsRoutes(OpsSources sources, const Clock* clock);

}  // namespace auth::ops
