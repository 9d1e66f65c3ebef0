#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pool/connection_pool.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_connection.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {

// A FakeClock that knows when the pool's own threads have looked at it, so that a test can say
// "and now nothing more happens" without sleeping.
class ObservedClock final : public Clock {
 public:
  WallTime Now() const override { return fake_.Now(); }
  MonotonicTime Monotonic() const override { return fake_.Monotonic(); }

  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    if (std::string(name).rfind("pool-", 0) == 0) {
      MutexLock lock(&mutex_);
      ++looks_[std::this_thread::get_id()];
    }
    fake_.WaitUntil(deadline, condition, mutex);
  }

  // Advances, then waits until every thread of the pool has seen the new time and waits again.
  void Advance(Duration by) {
    fake_.Advance(by);
    Settle();
  }

  // Waits until each of the pool's threads has begun to wait twice: the second time it had seen
  // all that was done before this call.
  void Settle() const {
    const std::map<std::thread::id, int> before = looks();
    const bool settled = testing::Eventually([&] {
      const std::map<std::thread::id, int> now = looks();
      return std::all_of(now.begin(), now.end(), [&](const auto& thread) {
        const auto old = before.find(thread.first);
        return old == before.end() || thread.second >= old->second + 2;
      });
    });
    EXPECT_TRUE(settled) << "a thread of the pool hangs";
  }

  // Advances by so little that nobody needs to see it: makes one moment different from the next.
  void Tick() { fake_.Advance(std::chrono::microseconds(1)); }

  // The pool is gone, and with it its threads.
  void ForgetThreads() {
    MutexLock lock(&mutex_);
    looks_.clear();
  }
  size_t thread_count() const { return looks().size(); }

 private:
  std::map<std::thread::id, int> looks() const {
    MutexLock lock(&mutex_);
    return looks_;
  }

  testing::FakeClock fake_;
  mutable Mutex mutex_;
  mutable std::map<std::thread::id, int> looks_ ABSL_GUARDED_BY(mutex_);
};

// Writes down what the pool tells, one line an event, e.g. "retired idle_timeout".
class RecordingObserver final : public PoolObserver {
 public:
  void OnStarted(int min, int max) override { Add(absl::StrCat("started ", min, "-", max)); }
  void OnAcquire(AcquireResult result, Duration /*wait*/) override {
    Add("acquired", Name(result));
  }
  void OnConnected(Duration /*took*/) override { Add("connected"); }
  void OnConnectFailed(int attempt, int most, const absl::Status& /*why*/) override {
    Add(absl::StrCat("connect failed ", attempt, "/", most));
  }
  void OnRetryScheduled(Duration delay) override {
    MutexLock lock(&mutex_);
    delays_.push_back(delay);
  }
  void OnValidated(ValidationTier tier, bool alive) override {
    Add(alive ? "alive" : "dead", Name(tier));
  }
  void OnRetired(RetireReason reason) override { Add("retired", Name(reason)); }
  void OnRecreated(RecreateReason reason, int64_t /*generation*/) override {
    Add("recreated", Name(reason));
  }
  void OnBreaker(BreakerState state) override { Add("breaker", Name(state)); }
  void OnReachabilityChanged() override { Add("reachability changed"); }
  void OnLeak(Duration /*held*/) override { Add("leak"); }

  void Clear() {
    MutexLock lock(&mutex_);
    lines_.clear();
    delays_.clear();
  }
  int Count(const std::string& line) const {
    MutexLock lock(&mutex_);
    return static_cast<int>(std::count(lines_.begin(), lines_.end(), line));
  }
  // The lines that begin with `prefix`, in order.
  std::vector<std::string> Lines(const std::string& prefix) const {
    MutexLock lock(&mutex_);
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (line.rfind(prefix, 0) == 0) found.push_back(line);
    }
    return found;
  }
  std::vector<Duration> delays() const {
    MutexLock lock(&mutex_);
    return delays_;
  }

 private:
  void Add(std::string line) {
    MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }
  void Add(const char* what, std::string_view name) {
    Add(std::string(what) + " " + std::string(name));
  }

  mutable Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::vector<Duration> delays_ ABSL_GUARDED_BY(mutex_);
};

// A pool on a scripted database, in a time that stands still until the test advances it.
class PoolTest : public ::testing::Test {
 protected:
  using Borrowed = absl::StatusOr<PooledConnection>;

  // Where no time passes nobody waits for it.
  PoolTest() { options_.replace_over = Duration::zero(); }

  // Makes the pool from options_, without connections.
  void MakePool() {
    pool_.reset();
    clock_.ForgetThreads();
    pool_ =
        std::make_unique<ConnectionPool>(options_, database_.MakeFactory(), &clock_, &observer_);
    const size_t threads = static_cast<size_t>(options_.max_connecting) + 1;
    ASSERT_TRUE(testing::Eventually([&] { return clock_.thread_count() >= threads; }));
  }

  // Makes the pool with `count` idle connections, sessions 0 … count - 1; the last is on top.
  void MakePoolWithIdle(int count) {
    MakePool();
    std::vector<PooledConnection> borrowed;
    borrowed.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) borrowed.push_back(Borrow());
    for (PooledConnection& connection : borrowed) {
      clock_.Tick();
      const PooledConnection back = std::move(connection);
    }
    ASSERT_EQ(pool_->Stats().idle, count);
  }

  MonotonicTime In(Duration time) const { return clock_.Monotonic() + time; }

  // Borrows a connection that must be available, or come by a connect.
  PooledConnection Borrow() {
    Borrowed connection = pool_->Acquire(In(std::chrono::seconds(1)));
    EXPECT_THAT(connection, testing::IsOk());
    if (!connection.ok()) std::abort();
    return *std::move(connection);
  }

  // Borrows in a thread of its own.
  std::future<Borrowed> StartBorrow(Duration timeout) {
    return std::async(std::launch::async,
                      [this, deadline = In(timeout)] { return pool_->Acquire(deadline); });
  }
  // The same, and returns when the caller waits in the queue.
  std::future<Borrowed> StartWaiting(Duration timeout) {
    const int before = pool_->Stats().waiters;
    std::future<Borrowed> caller = StartBorrow(timeout);
    EXPECT_TRUE(testing::Eventually([&] { return pool_->Stats().waiters > before; }));
    return caller;
  }

  bool Eventually(const std::function<bool()>& condition) { return testing::Eventually(condition); }
  // Waits until the observer was told `line` so many times.
  bool Told(const std::string& line, int count = 1) {
    return testing::Eventually([&] { return observer_.Count(line) >= count; });
  }

  ObservedClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  RecordingObserver observer_;
  PoolOptions options_;
  std::unique_ptr<ConnectionPool> pool_;
};

}  // namespace auth::pool
