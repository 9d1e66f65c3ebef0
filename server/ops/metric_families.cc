#include "server/ops/metric_families.h"

namespace auth::ops {

prometheus::Family<prometheus::Counter>& AddCounters(prometheus::Registry* registry,
                                                     const std::string& name,
                                                     const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry);
}

prometheus::Family<prometheus::Histogram>& AddHistograms(prometheus::Registry* registry,
                                                         const std::string& name,
                                                         const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(*registry);
}

prometheus::Gauge* AddGauge(prometheus::Registry* registry, const std::string& name,
                            const std::string& help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(*registry).Add({});
}

prometheus::Histogram* AddLatencies(prometheus::Family<prometheus::Histogram>* family,
                                    const prometheus::Labels& labels) {
  const prometheus::Histogram::BucketBoundaries seconds = {
      .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
  return &family->Add(labels, seconds);
}

}  // namespace auth::ops
