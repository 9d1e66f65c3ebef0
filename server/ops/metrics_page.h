#pragma once

#include <string>

#include "server/ops/snapshot.h"

namespace auth::ops {

// The page that a Prometheus server scrapes, in the text format, version 0.0.4: the counters and
// histograms of a snapshot, and gauges of its pool, workers and log.
std::string MetricsPage(const Snapshot& snapshot);

}  // namespace auth::ops
