#include "server/ops/snapshot.h"

#include <prometheus/registry.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "server/ops/process_metrics.h"

namespace auth::ops {
namespace {

constexpr std::chrono::milliseconds kSharedFor(50);

const prometheus::MetricFamily* FindFamily(const Snapshot& snapshot, std::string_view name) {
  const auto found = std::find_if(snapshot.families.begin(), snapshot.families.end(),
                                  [&](const auto& family) { return family.name == name; });
  return found == snapshot.families.end() ? nullptr : &*found;
}

std::string_view Label(const prometheus::ClientMetric& metric, std::string_view name) {
  const auto found = std::find_if(metric.label.begin(), metric.label.end(),
                                  [&](const auto& label) { return label.name == name; });
  return found == metric.label.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace

LatencyHistogram FindHistogram(const Snapshot& snapshot, std::string_view name) {
  LatencyHistogram histogram;
  const prometheus::MetricFamily* const family = FindFamily(snapshot, name);
  if (family == nullptr || family->metric.empty()) return histogram;
  const prometheus::ClientMetric::Histogram& source = family->metric.front().histogram;
  std::uint64_t below = 0;
  for (const prometheus::ClientMetric::Bucket& bucket : source.bucket) {
    LatencyHistogram::Bucket& own = histogram.buckets.emplace_back();
    if (std::isfinite(bucket.upper_bound)) own.up_to = bucket.upper_bound;
    own.count = static_cast<std::int64_t>(bucket.cumulative_count - below);
    below = bucket.cumulative_count;
  }
  histogram.count = static_cast<std::int64_t>(source.sample_count);
  histogram.sum = source.sample_sum;
  return histogram;
}

std::vector<CallCount> CountCalls(const Snapshot& snapshot) {
  std::map<std::string_view, CallCount> by_rpc;
  if (const auto* family = FindFamily(snapshot, "auth_rpc_requests_total"); family != nullptr) {
    for (const prometheus::ClientMetric& metric : family->metric) {
      const std::string_view rpc = Label(metric, "rpc");
      CallCount& calls = by_rpc[rpc];
      calls.rpc = rpc;
      const auto count = static_cast<std::int64_t>(metric.counter.value);
      calls.total += count;
      if (Label(metric, "code") != "OK") calls.errors += count;
    }
  }
  std::vector<CallCount> counts;
  counts.reserve(by_rpc.size());
  for (auto& [rpc, calls] : by_rpc) counts.push_back(std::move(calls));
  return counts;
}

SnapshotSource::SnapshotSource(const prometheus::Registry* registry, Sources sources,
                               const Clock* clock)
    : registry_(registry),
      sources_(std::move(sources)),
      clock_(clock),
      started_(clock->Monotonic()) {}

std::shared_ptr<const Snapshot> SnapshotSource::Take() {
  std::shared_ptr<const Snapshot> taken;
  {
    // Held while the picture is taken: whoever comes meanwhile gets the same.
    MutexLock lock(&mutex_);
    const MonotonicTime now = clock_->Monotonic();
    if (last_ != nullptr && now - last_->moment < kSharedFor) return last_;
    taken = last_ = Make(last_ == nullptr ? 1 : last_->sequence + 1, now);
  }
  sources_.look_at_pool();
  return taken;
}

std::shared_ptr<const Snapshot> SnapshotSource::Make(std::int32_t sequence,
                                                     MonotonicTime now) const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->sequence = sequence;
  snapshot->time = clock_->Now();
  snapshot->moment = now;
  snapshot->uptime = now - started_;
  snapshot->version = sources_.version;
  snapshot->ready = sources_.ready();
  snapshot->pool = sources_.pool();
  snapshot->workers = sources_.workers();
  snapshot->events = sources_.events();
  snapshot->log_lines_dropped = sources_.log_lines_dropped();
  snapshot->families = registry_->Collect();
  std::vector<prometheus::MetricFamily> process = CollectProcessMetrics();
  std::move(process.begin(), process.end(), std::back_inserter(snapshot->families));
  return snapshot;
}

}  // namespace auth::ops
