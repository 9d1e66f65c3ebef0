#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace auth::ops {

// What the kernel tells of this process (/proc/self), under the names that Prometheus clients agree
// on: process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
// process_open_fds, process_max_fds, process_threads, process_start_time_seconds.
std::vector<prometheus::MetricFamily> CollectProcessMetrics();

// A family with one value and no labels.
prometheus::MetricFamily SingleValue(const char* name, const char* help,
                                     prometheus::MetricType type, double value);

}  // namespace auth::ops
