#include "tests/support/pipe.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace auth::testing {
namespace {

using std::chrono::milliseconds;

// A slow line is written to so often, that its bytes trickle.
constexpr int64_t kWritesPerSecond = 20;

}  // namespace

void Pipe::Push(std::string bytes, TimePoint now) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  pieces_.push_back({std::move(bytes), Arrival(now)});
}

void Pipe::Close(End end, TimePoint now) {
  end_ = end;
  end_due_ = Arrival(now);
}

std::string_view Pipe::Due(TimePoint now) const {
  if (pieces_.empty() || pieces_.front().due > now || next_write_ > now) return {};
  size_t most = std::numeric_limits<size_t>::max();
  if (weather_->slice > 0) most = static_cast<size_t>(weather_->slice);
  if (weather_->bytes_per_second > 0) {
    most = std::min(most, static_cast<size_t>(
                              std::max<int64_t>(weather_->bytes_per_second / kWritesPerSecond, 1)));
  }
  return std::string_view(pieces_.front().bytes).substr(taken_, most);
}

void Pipe::Take(size_t count, TimePoint now) {
  taken_ += count;
  size_ -= count;
  if (taken_ == pieces_.front().bytes.size()) {
    pieces_.pop_front();
    taken_ = 0;
  }
  if (weather_->bytes_per_second > 0) {
    const std::chrono::duration<double> time(static_cast<double>(count) /
                                             static_cast<double>(weather_->bytes_per_second));
    next_write_ =
        std::max(next_write_, now) + std::chrono::duration_cast<TimePoint::duration>(time);
  }
}

Pipe::End Pipe::EndDue(TimePoint now) const {
  return pieces_.empty() && end_due_ <= now ? end_ : End::kNone;
}

Pipe::TimePoint Pipe::NextDue() const {
  return pieces_.empty() ? end_due_ : std::max(pieces_.front().due, next_write_);
}

Pipe::TimePoint Pipe::Arrival(TimePoint now) {
  const milliseconds::rep jitter = weather_->jitter.count();
  const milliseconds deviation(std::uniform_int_distribution(-jitter, jitter)(*random_));
  const milliseconds way = std::max(weather_->latency + deviation, milliseconds(0));
  return last_arrival_ = std::max(last_arrival_, now + way);
}

}  // namespace auth::testing
