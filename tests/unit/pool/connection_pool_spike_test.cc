// A burst of short queries is served by the connections there are: the pool must not grow for it.

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/unit/pool/pool_fixture.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kCallers = 50;
constexpr int kIdle = 5;
constexpr milliseconds kConnectTime(150);
constexpr milliseconds kQueryTime(2);
const Statement kStatement{"probe", "SELECT 1"};

class ConnectionPoolSpikeTest : public PoolTest {
 protected:
  ConnectionPoolSpikeTest() {
    options_.max_connections = 20;
    database_.OnExecute([this](MonotonicTime, const Statement&, const Params&) {
      const MonotonicTime end = In(kQueryTime);
      ++running_;  // time may go on from here
      MutexLock lock(&mutex_);
      while (clock_.Monotonic() < end) clock_.WaitUntil(end, &never_, &mutex_);
      --running_;
      return absl::StatusOr<QueryResult>(QueryResult{});
    });
  }

  void Query() {
    const Borrowed connection = pool_->Acquire(In(seconds(30)));
    ASSERT_THAT(connection, testing::IsOk());
    EXPECT_THAT((*connection)->Execute(In(seconds(30)), kStatement, {}), testing::IsOk());
    ++served_;
  }

  // Queries under way.
  std::atomic<int> running_ = 0;
  std::atomic<int> served_ = 0;
  Mutex mutex_;
  CondVar never_;
};

TEST_F(ConnectionPoolSpikeTest, FiftyCallersMakeFiveConnectionsSixAtMost) {
  MakePoolWithIdle(kIdle);
  database_.SetConnectTime(kConnectTime);
  const MonotonicTime begin = clock_.Monotonic();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) callers.emplace_back([this] { Query(); });
  ASSERT_TRUE(Eventually([&] { return pool_->Stats().waiters == kCallers - kIdle; }));

  // Time goes on only when every connection is at work again.
  while (served_ < kCallers) {
    const int done = served_;
    ASSERT_TRUE(Eventually([&] { return running_ == kIdle; }));
    clock_.Advance(kQueryTime);
    ASSERT_TRUE(Eventually([&] { return served_ == done + kIdle; }));
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(clock_.Monotonic() - begin, kQueryTime * (kCallers / kIdle));

  // The connects that were begun meanwhile come to an end.
  clock_.Advance(2 * kConnectTime);
  EXPECT_TRUE(Eventually([&] { return pool_->Stats().connecting == 0; }));
  EXPECT_LE(pool_->Stats().total(), kIdle + 1);
  EXPECT_LE(database_.most_live(), kIdle + 1);
}

}  // namespace
}  // namespace auth::pool
