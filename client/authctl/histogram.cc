#include "client/authctl/histogram.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdint>

namespace auth::authctl {
namespace {

void Store(absl::Duration duration, google::protobuf::Duration* stored) {
  stored->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  stored->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::optional<Quantile> QuantileOf(const v1::LatencyHistogram& histogram, double q) {
  int64_t total = 0;
  for (const auto& bucket : histogram.buckets()) total += bucket.count();
  if (total <= 0) return std::nullopt;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  absl::Duration lower = absl::ZeroDuration();
  for (const auto& bucket : histogram.buckets()) {
    if (!bucket.has_up_to()) break;
    const absl::Duration upper = ToDuration(bucket.up_to());
    const auto count = static_cast<double>(bucket.count());
    if (count > 0 && below + count >= rank) {
      return Quantile{lower + (upper - lower) * ((rank - below) / count)};
    }
    below += count;
    lower = upper;
  }
  return Quantile{lower, /*at_least=*/true};
}

std::optional<absl::Duration> MeanOf(const v1::LatencyHistogram& histogram) {
  if (histogram.count() <= 0) return std::nullopt;
  return ToDuration(histogram.sum()) / histogram.count();
}

std::optional<v1::LatencyHistogram> Since(const v1::LatencyHistogram& before,
                                          const v1::LatencyHistogram& now) {
  using google::protobuf::util::MessageDifferencer;
  if (before.buckets_size() != now.buckets_size() || before.count() > now.count()) {
    return std::nullopt;
  }
  v1::LatencyHistogram since = now;
  for (int i = 0; i < now.buckets_size(); ++i) {
    const auto& old = before.buckets(i);
    if (!MessageDifferencer::Equals(old.up_to(), now.buckets(i).up_to()) ||
        old.count() > now.buckets(i).count()) {
      return std::nullopt;
    }
    since.mutable_buckets(i)->set_count(now.buckets(i).count() - old.count());
  }
  since.set_count(now.count() - before.count());
  Store(ToDuration(now.sum()) - ToDuration(before.sum()), since.mutable_sum());
  return since;
}

}  // namespace auth::authctl
