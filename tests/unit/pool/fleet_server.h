#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "pool/connection_pool.h"
#include "pool/transaction_runner.h"
#include "tests/support/stepped_clock.h"

namespace auth::pool {

// What a server does: each of `callers` makes one call after the other, `pause` apart at most.
struct Load {
  int callers = 0;
  Duration pause = std::chrono::seconds(1);
};

// One of many servers in a simulation: a pool, and the threads that call through it.
class FleetServer {
 public:
  static constexpr int kCallers = 6;
  static constexpr std::chrono::seconds kTimeout{15};

  FleetServer(testing::SteppedClock* clock, std::unique_ptr<ConnectionFactory> factory,
              const PoolOptions& options, uint32_t seed)
      : clock_(clock),
        pool_(options, std::move(factory), clock, &observer_),
        runner_(&pool_, clock, &observer_) {
    clock_->Enter(options.max_connecting + 1 + kCallers);
    for (int i = 0; i < kCallers; ++i) {
      callers_.emplace_back([this, i, seed] { Call(i, seed + static_cast<uint32_t>(i)); });
    }
    pool_.Start();
  }
  // After Stop, and the time that calls and pauses take.
  ~FleetServer() {
    for (std::thread& caller : callers_) caller.join();
  }

  void SetLoad(const Load& load) {
    pause_ = load.pause;
    active_ = load.callers;
  }
  void Stop() { stop_ = true; }
  int64_t ok() const { return ok_; }
  int64_t failed() const { return failed_; }
  // When the first call after ForgetServed was served; the end of time if none was.
  MonotonicTime first_served() const { return first_served_; }
  void ForgetServed() { first_served_ = MonotonicTime::max(); }

 private:
  void Call(int number, uint32_t seed) {
    std::mt19937 random(seed);
    const auto up_to = [&random](Duration most) {
      return Duration(std::uniform_int_distribution<int64_t>(0, most.count())(random));
    };
    while (!stop_) {
      if (number >= active_) {
        clock_->Pass(std::chrono::milliseconds(250) + up_to(std::chrono::milliseconds(250)));
        continue;
      }
      const MonotonicTime deadline = clock_->Monotonic() + kTimeout;
      const absl::Status status =
          runner_.Run(Effect::kIdempotent, deadline, [&](Connection& connection) {
            return connection.Execute(deadline, Statement{"probe", "SELECT 1"}, {}).status();
          });
      ++(status.ok() ? ok_ : failed_);
      MonotonicTime none = MonotonicTime::max();
      if (status.ok()) first_served_.compare_exchange_strong(none, clock_->Monotonic());
      clock_->Pass(up_to(pause_));
    }
    clock_->Enter(-1);
  }

  testing::SteppedClock* const clock_;
  PoolObserver observer_;
  ConnectionPool pool_;
  TransactionRunner runner_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> active_ = 0;
  std::atomic<Duration> pause_ = Duration::zero();
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<MonotonicTime> first_served_ = MonotonicTime::max();
  std::vector<std::thread> callers_;
};

}  // namespace auth::pool
