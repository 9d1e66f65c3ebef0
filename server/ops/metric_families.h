#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

#include "pool/clock.h"

// How this folder makes metrics: a few words for what prometheus-cpp's builders say at length.
namespace auth::ops {

prometheus::Family<prometheus::Counter>& AddCounters(prometheus::Registry* registry,
                                                     const std::string& name,
                                                     const std::string& help);
prometheus::Family<prometheus::Histogram>& AddHistograms(prometheus::Registry* registry,
                                                         const std::string& name,
                                                         const std::string& help);

// A gauge without labels.
prometheus::Gauge* AddGauge(prometheus::Registry* registry, const std::string& name,
                            const std::string& help);

// A child for durations in seconds, from 0.1 ms (a pooled borrow) to 30 s (the longest outage that
// callers wait through), in steps of 2 to 2.5.
prometheus::Histogram* AddLatencies(prometheus::Family<prometheus::Histogram>* family,
                                    const prometheus::Labels& labels);

inline double ToSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace auth::ops
