#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/connection_pool.h"
#include "pool/transaction_runner.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_connection.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {

constexpr Statement kWrite = {"write", "INSERT INTO t VALUES ($1)"};
constexpr Statement kMore = {"more", "INSERT INTO u VALUES ($1)"};

// "idempotent lost" for an attempt, "replayed" or "unknown" for the end of a doubt.
class AttemptRecorder final : public PoolObserver {
 public:
  void OnAttempt(Effect effect, std::string_view fault) override {
    static constexpr const char* kNames[] = {"read_only", "idempotent", "once"};
    Add(absl::StrCat(kNames[static_cast<int>(effect)], " ",
                     fault.empty() ? "ok" : std::string(fault)));
  }
  void OnInDoubt(std::string_view resolution) override { Add(std::string(resolution)); }

  std::vector<std::string> lines() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  void Add(std::string line) {
    MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }

  mutable Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// The runner's view of the time: whoever waits finds that the time has passed.
class JumpingClock final : public Clock {
 public:
  JumpingClock(testing::FakeClock* clock, std::function<void(Duration)> on_wait)
      : clock_(clock), on_wait_(std::move(on_wait)) {}

  WallTime Now() const override { return clock_->Now(); }
  MonotonicTime Monotonic() const override { return clock_->Monotonic(); }
  void WaitUntil(MonotonicTime deadline, CondVar*, Mutex*) const override {
    const Duration wait = deadline - clock_->Monotonic();
    on_wait_(wait);
    clock_->Advance(wait);
  }

 private:
  testing::FakeClock* const clock_;
  const std::function<void(Duration)> on_wait_;
};

// A runner on a pool on a scripted database, in a time that passes only while the runner waits.
class TransactionRunnerTest : public ::testing::Test {
 protected:
  MonotonicTime In(Duration time) const { return clock_.Monotonic() + time; }

  // One statement with the run's deadline.
  absl::Status RunWrite(Effect effect) {
    const MonotonicTime deadline = In(std::chrono::seconds(20));
    return runner_.Run(effect, deadline, [&](Connection& connection) {
      return connection.Execute(deadline, kWrite, {}).status();
    });
  }
  absl::Status RunWriteInTransaction(Effect effect) {
    const MonotonicTime deadline = In(std::chrono::seconds(20));
    return runner_.RunInTransaction(effect, deadline, [&](Connection& connection) {
      return connection.Execute(deadline, kWrite, {}).status();
    });
  }

  bool Closed(int session) {
    return testing::Eventually([&] { return database_.session(session).closed(); });
  }

  testing::FakeClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  AttemptRecorder observer_;
  ConnectionPool pool_{PoolOptions(), database_.MakeFactory(), &clock_, &observer_};
  // The runner's waits between replays, and whether it held a connection in one of them.
  std::vector<Duration> waits_;
  bool held_while_waiting_ = false;
  JumpingClock runner_clock_{&clock_, [this](Duration wait) {
                               waits_.push_back(wait);
                               if (pool_.Stats().in_use > 0) held_while_waiting_ = true;
                             }};
  TransactionRunner runner_{&pool_, &runner_clock_, &observer_};
};

}  // namespace auth::pool
