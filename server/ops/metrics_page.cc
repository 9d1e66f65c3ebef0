#include "server/ops/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "server/ops/process_metrics.h"

namespace auth::ops {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Gauge(const char* name, const char* help, double value) {
  return SingleValue(name, help, MetricType::Gauge, value);
}

ClientMetric Labelled(const char* label, const std::string& label_value, double value) {
  ClientMetric metric;
  metric.label = {{label, label_value}};
  metric.gauge.value = value;
  return metric;
}

void AppendPool(const pool::PoolStats& stats, std::vector<MetricFamily>* page) {
  page->push_back(
      {.name = "auth_pool_connections",
       .help = "Connections by state; their sum is what the database counts.",
       .type = MetricType::Gauge,
       .metric = {Labelled("state", "connecting", stats.connecting),
                  Labelled("state", "validating", stats.validating),
                  Labelled("state", "idle", stats.idle), Labelled("state", "in_use", stats.in_use),
                  Labelled("state", "resetting", stats.resetting)}});
  page->push_back(Gauge("auth_pool_max", "The most connections the pool may hold.", stats.max));
  page->push_back(Gauge("auth_pool_waiters", "Callers that wait for a connection.", stats.waiters));
  page->push_back(
      Gauge("auth_database_up",
            "1 if the newest evidence says that the database answers, 0 if it says that "
            "it does not, or before there is any.",
            stats.database() == pool::DatabaseState::kUp ? 1 : 0));
  page->push_back(Gauge("auth_pool_generation", "Raised whenever the pool is recreated.",
                        static_cast<double>(stats.generation)));
  page->push_back(Gauge("auth_pool_breaker_state",
                        "0: closed, calls are served; 1: open, refused; 2: probing.",
                        static_cast<double>(stats.breaker)));
}

void AppendWorkers(const std::vector<WorkerStats>& workers, std::vector<MetricFamily>* page) {
  MetricFamily queued{.name = "auth_worker_queue",
                      .help = "Tasks that wait for a worker.",
                      .type = MetricType::Gauge,
                      .metric = {}};
  MetricFamily running{.name = "auth_worker_running",
                       .help = "Tasks being run by a worker.",
                       .type = MetricType::Gauge,
                       .metric = {}};
  MetricFamily threads{.name = "auth_worker_threads",
                       .help = "Workers there are: as many tasks run at once.",
                       .type = MetricType::Gauge,
                       .metric = {}};
  for (const WorkerStats& each : workers) {
    threads.metric.push_back(Labelled("pool", each.name, each.threads));
    queued.metric.push_back(Labelled("pool", each.name, each.queued));
    running.metric.push_back(Labelled("pool", each.name, each.running));
  }
  page->push_back(std::move(queued));
  page->push_back(std::move(running));
  page->push_back(std::move(threads));
}

}  // namespace

std::string MetricsPage(const Snapshot& snapshot) {
  std::vector<MetricFamily> page = snapshot.families;
  AppendPool(snapshot.pool, &page);
  AppendWorkers(snapshot.workers, &page);
  page.push_back(SingleValue("auth_log_lines_dropped_total",
                             "Log lines lost because stderr was too slow.", MetricType::Counter,
                             static_cast<double>(snapshot.log_lines_dropped)));
  page.push_back(Gauge("auth_snapshot_sequence",
                       "The number of the picture that this page shows: one on /dashboard or from "
                       "AdminService with the same number agrees with it.",
                       snapshot.sequence));
  page.push_back({.name = "auth_build_info",
                  .help = "1, with the server's version as a label.",
                  .type = MetricType::Gauge,
                  .metric = {Labelled("version", snapshot.version, 1)}});
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(page);
}

}  // namespace auth::ops
