#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/ops/http_route.h"
#include "server/ops/snapshot.h"

namespace auth::ops {

// Where the answers of the ops listener come from. All thread-safe; none queries the database.
struct OpsSources {
  // OK if the process can accept calls; may block for a second (ListenerProbe::Check).
  std::function<absl::Status()> live;
  // OK if this process is ready to work; the message says why not. Must not block.
  std::function<absl::Status()> ready;
  // Must not block.
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  // What --print-config prints, secrets redacted.
  std::string configuration;
};

// The table of the ops listener:
//
//   /livez, /readyz      200 {"status":"ok"}, or 503 {"status":"unavailable","reason":"…"}
//   /health/database     200 or 503 with status, since, breaker, lastError and the pool's gauges
//   /metrics             the Prometheus text format
//   /dashboard           the page for people; it polls /dashboard/snapshot
//   /dashboard/snapshot  200 with all that the page shows
//   /debug/config        the configuration in force
std::vector<HttpRoute> OpsRoutes(OpsSources sources);

}  // namespace auth::ops
