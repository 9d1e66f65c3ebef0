#include "server/ops/ops_routes.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "pool/mutex.h"
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

// A page of a snapshot, drawn once however many ask for it: the probes are answered by the same
// thread, and must not wait for a hundred scrapes.
class DrawnOnce {
 public:
  explicit DrawnOnce(HttpResponse (*draw)(const Snapshot&)) : draw_(draw) {}

  HttpResponse Of(std::shared_ptr<const Snapshot> snapshot) {
    MutexLock lock(&mutex_);
    if (snapshot != drawn_) {
      page_ = draw_(*snapshot);
      drawn_ = std::move(snapshot);
    }
    return page_;
  }

 private:
  HttpResponse (*const draw_)(const Snapshot&);
  Mutex mutex_;
  std::shared_ptr<const Snapshot> drawn_ ABSL_GUARDED_BY(mutex_);
  HttpResponse page_ ABSL_GUARDED_BY(mutex_);
};

HttpResponse MetricsResponse(const Snapshot& snapshot) {
  return {.body = MetricsPage(snapshot), .content_type = "text/plain; version=0.0.4"};
}

HttpResponse SnapshotResponse(const Snapshot& snapshot) { return {.body = SnapshotJson(snapshot)}; }

HttpResponse DatabaseResponse(const Snapshot& snapshot) {
  DatabaseHealth health = DatabaseHealthJson(snapshot);
  return {.status = health.up ? 200 : 503, .body = std::move(health.json)};
}

}  // namespace

std::vector<HttpRoute> OpsRoutes(OpsSources sources) {
  const auto drawn = [take = std::move(sources.snapshot)](HttpResponse (*draw)(const Snapshot&)) {
    return [take, page = std::make_shared<DrawnOnce>(draw)] { return page->Of(take()); };
  };
  return {
      {.path = "/livez",
       .handler = [live = std::move(sources.live)] { return StatusResponse(live()); },
       .may_block = true},
      {.path = "/readyz",
       .handler = [ready = std::move(sources.ready)] { return StatusResponse(ready()); }},
      {.path = "/health/database", .handler = drawn(&DatabaseResponse)},
      {.path = "/metrics", .handler = drawn(&MetricsResponse)},
      {.path = "/dashboard", .handler = [] { return DashboardPage(); }},
      {.path = "/dashboard/snapshot", .handler = drawn(&SnapshotResponse)},
      {.path = "/debug/config",
       .handler =
           [configuration = std::move(sources.configuration)] {
             return HttpResponse{.body = configuration,
                                 .content_type = "text/plain; charset=utf-8"};
           }},
  };
}

}  // namespace auth::ops
