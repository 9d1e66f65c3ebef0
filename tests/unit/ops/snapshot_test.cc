#include "server/ops/snapshot.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "server/ops/call_metrics.h"
#include "server/ops/pool_metrics.h"
#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SnapshotTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Snapshot> Fresh() {
    clock_.Advance(seconds(1));
    return source_.Take();
  }

  testing::FakeClock clock_;
  prometheus::Registry registry_;
  PoolMetrics pool_metrics_{&registry_};
  CallMetrics call_metrics_{&registry_, {"Register", "SignIn"}, {"INVALID_FIELDS"}};
  std::atomic<int> looks_ = 0;
  pool::PoolStats stats_;
  SnapshotSource source_{&registry_,
                         {.ready = [] { return true; },
                          .pool = [this] { return stats_; },
                          .look_at_pool = [this] { ++looks_; },
                          .workers =
                              [] {
                                return std::vector<WorkerStats>{{"hash", 2, 1, 7}};
                              },
                          .events = [] { return std::vector<PoolEvent>(); },
                          .log_lines_dropped = [] { return 4; },
                          .version = "1.2.3"},
                         &clock_};
};

TEST_F(SnapshotTest, ShowsWhatItsSourcesTell) {
  stats_.idle = 3;
  clock_.Advance(seconds(41));
  const auto snapshot = Fresh();
  EXPECT_EQ(snapshot->sequence, 1);
  EXPECT_EQ(snapshot->uptime, seconds(42));
  EXPECT_EQ(snapshot->time, clock_.Now());
  EXPECT_EQ(snapshot->pool.idle, 3);
  EXPECT_EQ(snapshot->workers.front().queued, 7);
  EXPECT_TRUE(snapshot->ready);
  EXPECT_EQ(snapshot->log_lines_dropped, 4);
}

TEST_F(SnapshotTest, OnePictureServesAllWhoAskAtOnce) {
  const auto first = source_.Take();
  clock_.Advance(milliseconds(49));
  EXPECT_EQ(source_.Take(), first);
  clock_.Advance(milliseconds(1));
  const auto second = source_.Take();
  EXPECT_EQ(second->sequence, first->sequence + 1);
  EXPECT_EQ(looks_, 2) << "one look at the pool for each picture";
}

TEST_F(SnapshotTest, ThreadsNeverSeeTwoPicturesOfOneNumber) {
  std::vector<std::thread> threads;
  Mutex mutex;
  std::set<std::pair<std::int32_t, const Snapshot*>> seen;
  std::vector<std::shared_ptr<const Snapshot>> kept;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        auto snapshot = Fresh();
        MutexLock lock(&mutex);
        seen.emplace(snapshot->sequence, snapshot.get());
        kept.push_back(std::move(snapshot));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::int32_t> numbers;
  for (const auto& [number, snapshot] : seen) {
    EXPECT_TRUE(numbers.insert(number).second) << number;
  }
}

TEST_F(SnapshotTest, HistogramsCountEachBucketByItself) {
  for (const milliseconds wait :
       {milliseconds(0), milliseconds(3), milliseconds(3), milliseconds(60'000)}) {
    pool_metrics_.OnAcquire(pool::AcquireResult::kOk, wait);
  }
  const LatencyHistogram histogram = FindHistogram(*Fresh(), "auth_pool_acquire_seconds");
  EXPECT_EQ(histogram.count, 4);
  EXPECT_NEAR(histogram.sum, 60.006, 1e-9);
  std::int64_t in_buckets = 0;
  for (const auto& bucket : histogram.buckets) in_buckets += bucket.count;
  EXPECT_EQ(in_buckets, 4);
  EXPECT_EQ(histogram.buckets.front().count, 1);
  EXPECT_EQ(histogram.buckets.back().count, 1);
  EXPECT_FALSE(histogram.buckets.back().up_to.has_value());
  EXPECT_EQ(FindHistogram(*Fresh(), "auth_no_such_thing").count, 0);
}

TEST_F(SnapshotTest, CallsAreCountedByRpc) {
  CallRecord record;
  record.rpc = "SignIn";
  record.code = "OK";
  call_metrics_.OnCall(record);
  record.code = "INVALID_ARGUMENT";
  call_metrics_.OnCall(record);
  for (const CallCount& calls : CountCalls(*Fresh())) {
    EXPECT_EQ(calls.total, calls.rpc == "SignIn" ? 2 : 0) << calls.rpc;
    EXPECT_EQ(calls.errors, calls.rpc == "SignIn" ? 1 : 0) << calls.rpc;
  }
}

}  // namespace
}  // namespace auth::ops
