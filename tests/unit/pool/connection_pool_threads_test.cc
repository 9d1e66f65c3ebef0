// A machine that has no thread left for the pool.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <memory>
#include <optional>
#include <system_error>

#include "pool/connection_pool.h"
#include "tests/support/eventually.h"
#include "tests/support/scripted_connection.h"

namespace auth::pool {
namespace {

// No thread can be made while it lives: each would want more stack than there are addresses.
class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t none;
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    EXPECT_EQ(pthread_getattr_default_np(&none), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&none, size_t{1} << 60), 0);
    EXPECT_EQ(pthread_setattr_default_np(&none), 0);
    pthread_attr_destroy(&none);
  }
  ~NoThreads() {
    EXPECT_EQ(pthread_setattr_default_np(&before_), 0);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

// The machine's time; nobody can make a thread once somebody has waited.
class LastThreadClock final : public Clock {
 public:
  WallTime Now() const override { return real_.Now(); }
  MonotonicTime Monotonic() const override { return real_.Monotonic(); }
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (!waited_.exchange(true)) none_.emplace();
    real_.WaitUntil(deadline, condition, mutex);
  }

 private:
  RealClock real_;
  mutable std::atomic<bool> waited_ = false;
  mutable std::optional<NoThreads> none_;
};

class ConnectionPoolThreadsTest : public ::testing::Test {
 protected:
  RealClock clock_;
  testing::ScriptedDatabase database_{&clock_};
  const std::unique_ptr<ConnectionFactory> factory_ = database_.MakeFactory();
  PoolObserver observer_;
  PoolOptions options_;
};

TEST_F(ConnectionPoolThreadsTest, APoolThatGetsNoThreadIsNotMade) {
  const NoThreads none;
  EXPECT_THROW(ConnectionPool(options_, database_.MakeFactory(), &clock_, &observer_),
               std::system_error);
}

TEST_F(ConnectionPoolThreadsTest, ConnectorsThatRunEndIfTheNextCannotBeMade) {
  // So many that the first of them waits before the last is made.
  options_.max_connecting = 500;
  EXPECT_TRUE(testing::Eventually([&] {
    const LastThreadClock clock;
    PoolState state(options_, &clock, &observer_);
    try {
      const Connector connector(options_, &clock, factory_.get(), &state);
      return false;
    } catch (const std::system_error&) {
      return true;
    }
  }));
}

TEST_F(ConnectionPoolThreadsTest, ConnectorsEndIfTheMaintainerCannotBeMade) {
  PoolState state(options_, &clock_, &observer_);
  const Connector connector(options_, &clock_, factory_.get(), &state);
  const NoThreads none;
  EXPECT_THROW(Maintainer(&observer_, &state), std::system_error);
}

}  // namespace
}  // namespace auth::pool
