#include "server/ops/metrics_page.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>

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
  page->push_back(Gauge("auth_pool_generation", "Raised by one whenever the pool is recreated.",
                        static_cast<double>(stats.generation)));
  page->push_back(Gauge("auth_pool_breaker_state",
                        "0: closed, calls are served; 1: open, refused; 2: probing.",
                        static_cast<double>(stats.breaker)));
}

void AppendWorkers(const std::vector<MetricsPage::Workers>& workers,
                   std::vector<MetricFamily>* page) {
  MetricFamily queued{.name = "auth_worker_queue",
                      .help = "Tasks that wait for a worker.",
                      .type = MetricType::Gauge,
                      .metric = {}};
  MetricFamily running{.name = "auth_worker_running",
                       .help = "Tasks being run by a worker.",
                       .type = MetricType::Gauge,
                       .metric = {}};
  for (const MetricsPage::Workers& each : workers) {
    queued.metric.push_back(Labelled("pool", each.pool, each.queued()));
    running.metric.push_back(Labelled("pool", each.pool, each.running()));
  }
  page->push_back(std::move(queued));
  page->push_back(std::move(running));
}

}  // namespace

MetricsPage::MetricsPage(const prometheus::Registry* registry, Sources sources)
    : registry_(registry), sources_(std::move(sources)) {}

std::string MetricsPage::Render() const {
  std::vector<MetricFamily> page = registry_->Collect();
  AppendPool(sources_.pool(), &page);
  AppendWorkers(sources_.workers, &page);
  if (sources_.log_lines_dropped) {
    page.push_back(SingleValue("auth_log_lines_dropped_total",
                               "Log lines lost because stderr was too slow.", MetricType::Counter,
                               static_cast<double>(sources_.log_lines_dropped())));
  }
  page.push_back({.name = "auth_build_info",
                  .help = "1, with the server's version as a label.",
                  .type = MetricType::Gauge,
                  .metric = {Labelled("version", sources_.version, 1)}});
  std::vector<MetricFamily> process = CollectProcessMetrics();
  page.insert(page.end(), std::make_move_iterator(process.begin()),
              std::make_move_iterator(process.end()));
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(page);
}

}  // namespace auth::ops
