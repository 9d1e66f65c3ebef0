#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/server/history.h"

namespace auth::testing {

// Callers with a rhythm of their own (an open loop: a slow answer does not slow them):
// registrations with a request_id, validations of sessions that were answered before, and
// sign-outs, spread over channels of their own, retries off. Records every answer in a history.
// What it chooses follows from TestSeed(). That the load was really offered is a part of the proof:
// Stop fails the test if it was not. Thread-safe.
//
//   MixedLoad load(server.grpc_address(), {}, &history);
//   …                       // faults
//   load.Stop();
//   EXPECT_EQ(load.failed(), 0) << load.failures();
class MixedLoad {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // A rate of 0 is none of these calls.
  struct Options {
    double registrations_per_second = 20;
    double validations_per_second = 80;
    double sign_outs_per_second = 2;
    int channels = 12;
    std::chrono::milliseconds timeout = std::chrono::seconds(15);
    std::string email_prefix = "mixed";
  };

  // Returns once the first registration is answered OK.
  MixedLoad(const std::string& address, Options options, History* history);
  ~MixedLoad();

  // Sends nothing more and lets the calls under way finish. Nine of ten calls that were due must
  // have been sent within 0.2 s.
  void Stop();

  int64_t ok() const;
  int64_t failed() const;
  // The first failures, in words.
  std::string failures() const;
  // When the first call that ended OK after `moment` did so; TimePoint::max() if none has.
  TimePoint FirstOkAfter(TimePoint moment) const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace auth::testing
