#include "server/ops/ops_routes.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/ops/dashboard_page.h"
#include "server/ops/metrics_page.h"
#include "server/ops/snapshot_json.h"

namespace auth::ops {
namespace {

HttpResponse StatusResponse(const absl::Status& status) {
  if (status.ok()) return {.body = "{\"status\":\"ok\"}\n"};
  const nlohmann::ordered_json body = {{"status", "unavailable"},
                                       {"reason", std::string(status.message())}};
  return {
      .status = 503,
      .body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"};
}

HttpResponse DatabaseResponse(const Snapshot& snapshot) {
  DatabaseHealth health = DatabaseHealthJson(snapshot);
  return {.status = health.up ? 200 : 503, .body = std::move(health.json)};
}

}  // namespace

std::vector<HttpRoute> OpsRoutes(OpsSources sources) {
  const auto snapshot = std::move(sources.snapshot);
  return {
      {.path = "/livez",
       .handler = [live = std::move(sources.live)] { return StatusResponse(live()); },
       .may_block = true},
      {.path = "/readyz",
       .handler = [ready = std::move(sources.ready)] { return StatusResponse(ready()); }},
      {.path = "/health/database", .handler = [snapshot] { return DatabaseResponse(*snapshot()); }},
      {.path = "/metrics",
       .handler =
           [snapshot] {
             return HttpResponse{.body = MetricsPage(*snapshot()),
                                 .content_type = "text/plain; version=0.0.4"};
           }},
      {.path = "/dashboard", .handler = [] { return DashboardPage(); }},
      {.path = "/dashboard/snapshot",
       .handler = [snapshot] { return HttpResponse{.body = SnapshotJson(*snapshot())}; }},
      {.path = "/debug/config",
       .handler =
           [configuration = std::move(sources.configuration)] {
             return HttpResponse{.body = configuration,
                                 .content_type = "text/plain; charset=utf-8"};
           }},
  };
}

}  // namespace auth::ops
