#include "server/ops/ops_routes.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/ops/timestamp.h"

namespace auth::ops {
namespace {

// Keeps the order in which keys are written.
using Json = nlohmann::ordered_json;

HttpResponse JsonResponse(bool ok, const Json& body) {
  return {.status = ok ? 200 : 503,
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

HttpResponse StatusResponse(const absl::Status& status) {
  if (status.ok()) return JsonResponse(true, {{"status", "ok"}});
  return JsonResponse(false,
                      {{"status", "unavailable"}, {"reason", std::string(status.message())}});
}

Json Since(MonotonicTime moment, const Clock& clock) {
  if (moment == MonotonicTime{}) return nullptr;
  const auto ago = std::chrono::duration_cast<WallTime::duration>(clock.Monotonic() - moment);
  return FormatTimestamp(clock.Now() - ago);
}

Json LastError(const pool::PoolStats& stats) {
  if (stats.last_fault.empty()) return nullptr;
  return {{"class", stats.last_fault},
          {"sqlstate", stats.last_sqlstate.empty() ? Json(nullptr) : Json(stats.last_sqlstate)}};
}

HttpResponse DatabaseHealth(const pool::PoolStats& stats, const Clock& clock) {
  const bool up = stats.database_reachable && stats.breaker != pool::BreakerState::kOpen;
  const bool no_evidence = !up && stats.reachable_since == MonotonicTime{};
  return JsonResponse(up, {{"status", up            ? "up"
                                      : no_evidence ? "connecting"
                                                    : "down"},
                           {"since", Since(stats.reachable_since, clock)},
                           {"breaker", std::string(pool::Name(stats.breaker))},
                           {"lastError", LastError(stats)},
                           {"pool",
                            {{"connecting", stats.connecting},
                             {"validating", stats.validating},
                             {"idle", stats.idle},
                             {"inUse", stats.in_use},
                             {"resetting", stats.resetting},
                             {"total", stats.total()},
                             {"max", stats.max},
                             {"waiters", stats.waiters},
                             {"generation", stats.generation}}}});
}

}  // namespace

std::vector<HttpRoute> OpsRoutes(OpsSources sources, const Clock* clock) {
  return {
      {.path = "/livez",
       .handler = [live = std::move(sources.live)] { return StatusResponse(live()); },
       .may_block = true},
      {.path = "/readyz",
       .handler = [ready = std::move(sources.ready)] { return StatusResponse(ready()); }},
      {.path = "/health/database",
       .handler = [pool = std::move(sources.pool),
                   clock] { return DatabaseHealth(pool(), *clock); }},
      {.path = "/metrics",
       .handler =
           [metrics = std::move(sources.metrics)] {
             return HttpResponse{.body = metrics(), .content_type = "text/plain; version=0.0.4"};
           }},
  };
}

}  // namespace auth::ops
