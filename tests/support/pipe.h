#pragma once

#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/tcp_gate.h"

namespace auth::testing {

// What is on its way in one direction of a connection through a TcpGate, and when it may arrive.
// Knows no sockets. Not thread-safe.
class Pipe {
 public:
  using TimePoint = TcpGate::TimePoint;
  // What comes behind the last byte.
  enum class End {
    kNone,
    kFinished,  // this direction is over: the sender has sent FIN
    kCut,       // both are, by FIN
    kReset,     // both are, by RST
  };

  // `weather` and `random` must outlive it, and may change.
  Pipe(const TcpGate::Weather* weather, std::mt19937_64* random)
      : weather_(weather), random_(random) {}

  void Push(std::string bytes, TimePoint now);
  // Nothing may be pushed behind it.
  void Close(End end, TimePoint now);
  bool closed() const { return end_ != End::kNone; }
  // Passes on a few bytes at a time.
  bool sliced() const { return weather_->slice > 0; }
  // Holds enough for now.
  bool full() const { return size_ >= kCapacity; }

  // What may be written now, at the most; empty if nothing.
  std::string_view Due(TimePoint now) const;
  void Take(size_t count, TimePoint now);
  // The end, once it has come to it.
  End EndDue(TimePoint now) const;
  // When Due or EndDue will say more; the maximum if nothing is on its way.
  TimePoint NextDue() const;

 private:
  static constexpr size_t kCapacity = 262'144;

  struct Piece {
    std::string bytes;
    TimePoint due;
  };

  TimePoint Arrival(TimePoint now);

  const TcpGate::Weather* const weather_;
  std::mt19937_64* const random_;
  std::deque<Piece> pieces_;
  size_t taken_ = 0;  // of the first piece
  size_t size_ = 0;
  End end_ = End::kNone;
  TimePoint end_due_ = TimePoint::max();
  TimePoint last_arrival_{};
  TimePoint next_write_{};
};

}  // namespace auth::testing
