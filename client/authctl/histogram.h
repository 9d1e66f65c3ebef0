#pragma once

#include <optional>

#include "absl/time/time.h"
#include "auth/v1/admin_service.pb.h"

namespace auth::authctl {

// What the histograms of a PoolStatus tell. Pure functions.

absl::Duration ToDuration(const google::protobuf::Duration& duration);

struct Quantile {
  absl::Duration value;
  bool at_least = false;  // in the last bucket, which has no upper bound: `value` is its lower one
};

// The duration below which the share `q` (0 to 1) of all lies, interpolated inside its bucket;
// nullopt if there is none.
std::optional<Quantile> QuantileOf(const v1::LatencyHistogram& histogram, double q);

// nullopt if there is none.
std::optional<absl::Duration> MeanOf(const v1::LatencyHistogram& histogram);

// What has come since `before`; nullopt if that is not of the same process, whose counts only grow.
std::optional<v1::LatencyHistogram> Since(const v1::LatencyHistogram& before,
                                          const v1::LatencyHistogram& now);

}  // namespace auth::authctl
