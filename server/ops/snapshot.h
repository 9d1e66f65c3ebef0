#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/clock.h"
#include "pool/mutex.h"
#include "pool/pool_stats.h"
#include "server/ops/pool_events.h"

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace auth::ops {

// What one of the process's executors is at.
struct WorkerStats {
  std::string name;  // "hash", "store"
  int threads = 0;
  int running = 0;
  int queued = 0;
};

// One picture of the process. Everything that is shown (/metrics, /dashboard, /health/database,
// AdminService) is drawn from one, so that two that show the same `sequence` agree.
struct Snapshot {
  std::int32_t sequence = 0;
  WallTime time;
  MonotonicTime moment;
  Duration uptime{};
  std::string version;
  bool ready = false;  // this process can work: migrated, not draining
  pool::PoolStats pool;
  std::vector<WorkerStats> workers;
  std::vector<PoolEvent> events;  // newest last
  std::int64_t log_lines_dropped = 0;
  // Counters and histograms since start, and the gauges of the process.
  std::vector<prometheus::MetricFamily> families;
};

// How often a duration fell into each bucket.
struct LatencyHistogram {
  struct Bucket {
    std::optional<double> up_to;  // seconds, inclusive; unset in the last, which has no bound
    std::int64_t count = 0;       // in this bucket alone
  };
  std::vector<Bucket> buckets;
  std::int64_t count = 0;
  double sum = 0;  // seconds
};

// The histogram of a family without labels; empty if there is none of that name.
LatencyHistogram FindHistogram(const Snapshot& snapshot, std::string_view name);

// Answered calls since start, by RPC in the order of their names.
struct CallCount {
  std::string rpc;
  std::int64_t total = 0;
  std::int64_t errors = 0;  // answered with another code than OK
};
std::vector<CallCount> CountCalls(const Snapshot& snapshot);

// Takes the pictures. One that is asked for within 50 ms of another is the same: twenty dashboards
// cost no more than one.
//
// Taking one has the pool look at its idle sockets, in the background, for the next picture: so a
// database that has gone is seen though nobody calls. It is sent nothing.
//
// Thread-safe; does not block. `registry`, `clock` and what `sources` refer to must outlive it.
class SnapshotSource {
 public:
  struct Sources {
    std::function<bool()> ready;
    std::function<pool::PoolStats()> pool;
    std::function<void()> look_at_pool;  // ConnectionPool::LookAtIdle
    std::function<std::vector<WorkerStats>()> workers;
    std::function<std::vector<PoolEvent>()> events;
    std::function<std::int64_t()> log_lines_dropped;
    std::string version;
  };

  SnapshotSource(const prometheus::Registry* registry, Sources sources, const Clock* clock);

  std::shared_ptr<const Snapshot> Take();

 private:
  std::shared_ptr<const Snapshot> Make(std::int32_t sequence, MonotonicTime now) const;

  const prometheus::Registry* const registry_;
  const Sources sources_;
  const Clock* const clock_;
  const MonotonicTime started_;
  Mutex mutex_;
  std::shared_ptr<const Snapshot> last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::ops
