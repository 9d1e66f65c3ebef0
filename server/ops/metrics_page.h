#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pool/pool_stats.h"

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace auth::ops {

// The page a Prometheus server scrapes: all counters and histograms of a registry (PoolMetrics and
// CallMetrics put them there), and gauges that are read at the moment of the scrape from the pool,
// the workers and the process.
//
// Thread-safe. `registry` and what `sources` refer to must outlive it.
//
//   prometheus::Registry registry;
//   PoolMetrics pool_metrics(&registry);     // an observer of the pool
//   CallMetrics call_metrics(&registry, rpcs, reasons);
//   MetricsPage page(&registry, {.pool = [&] { return pool.Stats(); },
//                                .workers = {{"hash", queued, running}}, .version = Version()});
class MetricsPage {
 public:
  struct Workers {
    std::string pool;  // "hash", "store"
    std::function<int()> queued;
    std::function<int()> running;
  };
  struct Sources {
    std::function<pool::PoolStats()> pool;
    std::vector<Workers> workers;
    std::function<std::int64_t()> log_lines_dropped;  // may be empty
    std::string version;
  };

  MetricsPage(const prometheus::Registry* registry, Sources sources);

  // The text format, version 0.0.4.
  std::string Render() const;

 private:
  const prometheus::Registry* const registry_;
  const Sources sources_;
};

}  // namespace auth::ops
