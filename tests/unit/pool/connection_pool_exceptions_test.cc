// An exception in a borrower's thread, as when there is no memory left: the call ends, the pool
// goes on and has lost nothing.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::seconds;
using testing::IsOk;

// Throws once when it is told something.
class ThrowingObserver final : public PoolObserver {
 public:
  enum class Event { kNone, kAcquire, kValidated };

  void ThrowAt(Event event) { event_ = event; }
  void OnAcquire(AcquireResult, Duration) override { Throw(Event::kAcquire); }
  void OnValidated(ValidationTier, bool) override { Throw(Event::kValidated); }

 private:
  void Throw(Event event) {
    if (event_.compare_exchange_strong(event, Event::kNone)) throw std::bad_alloc();
  }

  std::atomic<Event> event_ = Event::kNone;
};

// The machine's time; on demand the next wait ends only when the test says so, by an exception.
class ThrowingClock final : public Clock {
 public:
  WallTime Now() const override { return real_.Now(); }
  MonotonicTime Monotonic() const override { return real_.Monotonic(); }
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    const bool of_the_pool = std::string(name).rfind("pool-", 0) == 0;
    if (of_the_pool || !hold_next_.exchange(false)) {
      return real_.WaitUntil(deadline, condition, mutex);
    }
    holds_ = true;
    while (holds_) {
      condition->WaitUntilRealTime(mutex,
                                   std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
    }
    throw std::bad_alloc();
  }

  void HoldNextWait() { hold_next_ = true; }
  bool holds() const { return holds_; }
  void Throw() { holds_ = false; }

 private:
  RealClock real_;
  mutable std::atomic<bool> hold_next_ = false;
  mutable std::atomic<bool> holds_ = false;
};

class ConnectionPoolExceptionsTest : public ::testing::Test {
 protected:
  ConnectionPoolExceptionsTest() {
    options_.max_connections = 1;
    pool_ =
        std::make_unique<ConnectionPool>(options_, database_.MakeFactory(), &clock_, &observer_);
  }

  absl::StatusOr<PooledConnection> Acquire() {
    return pool_->Acquire(clock_.Monotonic() + seconds(10));
  }
  // A borrower whose wait is held.
  std::future<absl::StatusOr<PooledConnection>> StartHeld() {
    clock_.HoldNextWait();
    auto caller = std::async(std::launch::async, [this] { return Acquire(); });
    EXPECT_TRUE(testing::Eventually([&] { return clock_.holds(); }));
    return caller;
  }

  ThrowingClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  ThrowingObserver observer_;
  PoolOptions options_;
  std::unique_ptr<ConnectionPool> pool_;
};

TEST_F(ConnectionPoolExceptionsTest, InValidationClosesTheConnection) {
  observer_.ThrowAt(ThrowingObserver::Event::kValidated);
  EXPECT_THROW((void)Acquire(), std::bad_alloc);
  EXPECT_EQ(pool_->Stats().total(), 0);
  EXPECT_TRUE(database_.session(0).closed());
  EXPECT_THAT(Acquire(), IsOk());
}

TEST_F(ConnectionPoolExceptionsTest, AfterTheBorrowGivesTheConnectionBack) {
  observer_.ThrowAt(ThrowingObserver::Event::kAcquire);
  EXPECT_THROW((void)Acquire(), std::bad_alloc);
  EXPECT_EQ(pool_->Stats().idle, 1);
  EXPECT_THAT(Acquire(), IsOk());
  EXPECT_EQ(database_.connects(), 1);
}

TEST_F(ConnectionPoolExceptionsTest, InTheQueueLeavesIt) {
  absl::StatusOr<PooledConnection> held = Acquire();
  ASSERT_THAT(held, IsOk());
  auto caller = StartHeld();
  clock_.Throw();
  EXPECT_THROW((void)caller.get(), std::bad_alloc);
  EXPECT_EQ(pool_->Stats().waiters, 0);
  { const PooledConnection back = *std::move(held); }
  EXPECT_EQ(pool_->Stats().idle, 1);
}

TEST_F(ConnectionPoolExceptionsTest, InTheQueuePassesOnWhatCameMeanwhile) {
  absl::StatusOr<PooledConnection> held = Acquire();
  ASSERT_THAT(held, IsOk());
  auto caller = StartHeld();
  { const PooledConnection back = *std::move(held); }
  EXPECT_EQ(pool_->Stats().validating, 1) << "it is the caller's";
  clock_.Throw();
  EXPECT_THROW((void)caller.get(), std::bad_alloc);
  EXPECT_EQ(pool_->Stats().idle, 1);
  EXPECT_THAT(Acquire(), IsOk());
}

TEST_F(ConnectionPoolExceptionsTest, InTheQueueOfAPoolThatDrainsLeavesNothingToWaitFor) {
  absl::StatusOr<PooledConnection> held = Acquire();
  ASSERT_THAT(held, IsOk());
  auto caller = StartHeld();
  { const PooledConnection back = *std::move(held); }
  auto drain = std::async(std::launch::async,
                          [this] { return pool_->Drain(clock_.Monotonic() + seconds(10)); });
  clock_.Throw();
  EXPECT_THROW((void)caller.get(), std::bad_alloc);
  EXPECT_THAT(drain.get(), IsOk());
}

}  // namespace
}  // namespace auth::pool
