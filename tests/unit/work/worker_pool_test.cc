#include "server/work/worker_pool.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/gate.h"
#include "tests/support/test_run.h"

namespace auth::work {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::Gate;

// The order in which things happened on several threads.
class Journal {
 public:
  void Add(std::string entry) {
    MutexLock lock(&mutex_);
    entries_.push_back(std::move(entry));
  }
  std::vector<std::string> entries() {
    MutexLock lock(&mutex_);
    return entries_;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> entries_ ABSL_GUARDED_BY(mutex_);
};

class WorkerPoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<WorkerPool> MakePool(int threads, int nice = 0) {
    return std::make_unique<WorkerPool>(
        WorkerPool::Options{.name = "test", .threads = threads, .nice = nice}, &clock_);
  }

  Task MakeTask(Duration deadline, const std::string& name) {
    return {.deadline = clock_.Monotonic() + deadline,
            .run = [this, name] { journal_.Add(name); },
            .expire = [this, name] { journal_.Add(name + " expired"); }};
  }

  // Keeps one more worker busy until the gate opens; returns when `busy` are.
  void Occupy(WorkerPool* pool, Gate* gate, int busy = 1) {
    pool->Submit({.deadline = clock_.Monotonic() + std::chrono::hours(1),
                  .run = [gate] { gate->Pass(); },
                  .expire = [] { ADD_FAILURE() << "the occupying task expired"; }});
    ASSERT_TRUE(gate->AwaitWaiting(busy));
  }

  testing::FakeClock clock_;
  Journal journal_;
};

TEST_F(WorkerPoolTest, RunsTheEarliestDeadlineFirstAndEqualOnesInOrderOfArrival) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(1);
  Occupy(pool.get(), &gate);
  pool->Submit(MakeTask(seconds(3), "late"));
  pool->Submit(MakeTask(seconds(1), "first"));
  pool->Submit(MakeTask(seconds(2), "a"));
  pool->Submit(MakeTask(seconds(2), "b"));
  pool->Submit(MakeTask(seconds(2), "c"));
  EXPECT_EQ(pool->queued(), 5);
  EXPECT_EQ(pool->running(), 1);
  gate.Open();
  pool.reset();
  EXPECT_THAT(journal_.entries(), ElementsAre("first", "a", "b", "c", "late"));
}

TEST_F(WorkerPoolTest, TimerAnswersWhatExpiresWhileAllWorkersAreStuck) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(2);
  Occupy(pool.get(), &gate);
  Occupy(pool.get(), &gate, 2);
  pool->Submit(MakeTask(seconds(5), "patient"));
  pool->Submit(MakeTask(seconds(1), "hasty"));  // earlier than what the timer waits for
  clock_.Advance(milliseconds(999));
  EXPECT_EQ(pool->queued(), 2);
  clock_.Advance(milliseconds(1));
  ASSERT_TRUE(testing::Eventually([&] { return pool->queued() == 1; }));
  ASSERT_TRUE(testing::Eventually([&] { return journal_.entries().size() == 1; }));
  gate.Open();
  pool.reset();
  EXPECT_THAT(journal_.entries(), ElementsAre("hasty expired", "patient"));
}

TEST_F(WorkerPoolTest, ATaskThatHasExpiredIsNotRunByAFreeWorker) {
  auto pool = MakePool(1);
  pool->Submit(MakeTask(seconds(0), "born late"));
  pool.reset();
  EXPECT_THAT(journal_.entries(), ElementsAre("born late expired"));
}

TEST_F(WorkerPoolTest, ExpiredTasksDoNotHideThoseThatCanRun) {
  // The timer is busy with the first that expires, so the second stays at the queue's front.
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(1);
  pool->Submit({.deadline = clock_.Monotonic(), .run = [] {}, .expire = [&] { gate.Pass(); }});
  ASSERT_TRUE(gate.AwaitWaiting(1));
  pool->Submit(MakeTask(seconds(0), "expired"));
  pool->Submit(MakeTask(seconds(1), "alive"));
  EXPECT_TRUE(testing::Eventually([&] { return journal_.entries().size() == 1; }));
  EXPECT_THAT(journal_.entries(), ElementsAre("alive"));
  gate.Open();
}

TEST_F(WorkerPoolTest, AWithdrawnTaskNeitherRunsNorExpiresAndHoldsNothing) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(1);
  Occupy(pool.get(), &gate);
  const auto held = std::make_shared<int>(0);
  const auto fail = [held] { ADD_FAILURE() << "the task was withdrawn"; };
  const TaskId withdrawn =
      pool->Submit({.deadline = clock_.Monotonic() + seconds(1), .run = fail, .expire = fail});
  const TaskId expires = pool->Submit(MakeTask(seconds(1), "a"));
  pool->Submit(MakeTask(seconds(2), "b"));
  EXPECT_TRUE(pool->Withdraw(withdrawn));
  EXPECT_EQ(pool->queued(), 2);
  EXPECT_EQ(held.use_count(), 2) << "the test's own two";
  EXPECT_FALSE(pool->Withdraw(withdrawn));

  clock_.Advance(seconds(1));
  EXPECT_TRUE(testing::Eventually([&] { return journal_.entries().size() == 1; }));
  EXPECT_FALSE(pool->Withdraw(expires)) << "it has expired";
  gate.Open();
  pool.reset();
  EXPECT_THAT(journal_.entries(), ElementsAre("a expired", "b"));
}

TEST_F(WorkerPoolTest, DestructionEndsWhenATaskWithdrawsTheLastOne) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(1);
  Occupy(pool.get(), &gate);
  WorkerPool* const raw = pool.get();
  const TaskId last = raw->Submit(MakeTask(seconds(2), "last"));
  raw->Submit({.deadline = clock_.Monotonic() + seconds(1),
               .run = [raw, last] { EXPECT_TRUE(raw->Withdraw(last)); },
               .expire = [] {}});
  gate.Open();
  pool.reset();
  EXPECT_TRUE(journal_.entries().empty());
}

TEST_F(WorkerPoolTest, DestructionRunsWhatIsQueuedAndWhatThatSubmits) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(2);
  Occupy(pool.get(), &gate);
  WorkerPool* const raw = pool.get();
  for (int i = 0; i < 10; ++i) {
    raw->Submit({.deadline = clock_.Monotonic() + seconds(1),
                 .run =
                     [this, raw] {
                       journal_.Add("parent");
                       raw->Submit(MakeTask(seconds(1), "child"));
                     },
                 .expire = [] { ADD_FAILURE() << "expired"; }});
  }
  // The last submits come from an expiry, when the workers have nothing left.
  raw->Submit({.deadline = clock_.Monotonic(),
               .run = [] { ADD_FAILURE() << "ran"; },
               .expire = [this, raw] { raw->Submit(MakeTask(seconds(1), "of the timer")); }});
  gate.Open();
  pool.reset();
  const std::vector<std::string> entries = journal_.entries();
  EXPECT_EQ(std::count(entries.begin(), entries.end(), "parent"), 10);
  EXPECT_EQ(std::count(entries.begin(), entries.end(), "child"), 10);
  EXPECT_EQ(std::count(entries.begin(), entries.end(), "of the timer"), 1);
}

TEST_F(WorkerPoolTest, ThreadsAreNamedAndNice) {
  const int nice_here = getpriority(PRIO_PROCESS, 0);
  auto pool = MakePool(1, /*nice=*/5);
  char name[16] = {};
  int nice = 0;
  pool->Submit({.deadline = clock_.Monotonic() + seconds(1),
                .run =
                    [&] {
                      pthread_getname_np(pthread_self(), name, sizeof name);
                      nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
                    },
                .expire = [] {}});
  pool.reset();
  EXPECT_STREQ(name, "test-0");
  EXPECT_EQ(nice, std::min(nice_here + 5, 19)) << "19 is the nicest there is";
}

TEST_F(WorkerPoolTest, ReleasesWhatATaskHoldsBeforeTheNextOne) {
  Gate gate(Gate::State::kClosed);
  auto pool = MakePool(1);
  auto held = std::make_shared<int>(0);
  pool->Submit(
      {.deadline = clock_.Monotonic() + seconds(1), .run = [held] {}, .expire = [held] {}});
  Occupy(pool.get(), &gate);
  EXPECT_EQ(held.use_count(), 1);
  gate.Open();
}

// Exactly one of run, expire and withdrawal, exactly once, under every interleaving that real time
// gives.
TEST(WorkerPoolStressTest, EveryTaskIsAnsweredOnce) {
  constexpr int kSubmitters = 4;
  constexpr int kTasksEach = 2000;
  const uint64_t seed = testing::TestSeed();
  RealClock clock;
  std::vector<std::atomic<int>> answers(kSubmitters * kTasksEach);
  std::atomic<int> expired{0};
  std::atomic<int> expired_early{0};
  std::atomic<int> withdrawn{0};
  {
    WorkerPool pool({.name = "stress", .threads = 3}, &clock);
    std::vector<std::thread> submitters;
    for (int s = 0; s < kSubmitters; ++s) {
      submitters.emplace_back([&, s] {
        std::mt19937_64 random(seed + static_cast<uint64_t>(s));
        std::uniform_int_distribution<int> microseconds(0, 3000);
        for (int i = 0; i < kTasksEach; ++i) {
          std::atomic<int>& answer = answers[static_cast<size_t>(s * kTasksEach + i)];
          const MonotonicTime deadline =
              clock.Monotonic() + std::chrono::microseconds(microseconds(random));
          const TaskId id = pool.Submit({.deadline = deadline,
                                         .run = [&] { ++answer; },
                                         .expire =
                                             [&, deadline] {
                                               ++answer;
                                               ++expired;
                                               if (clock.Monotonic() < deadline) ++expired_early;
                                             }});
          if (i % 3 == 0 && pool.Withdraw(id)) {
            ++answer;
            ++withdrawn;
          }
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  for (const std::atomic<int>& answer : answers) ASSERT_EQ(answer, 1);
  EXPECT_EQ(expired_early, 0) << "tasks expired before their deadline";
  RecordProperty("expired", expired);
  RecordProperty("withdrawn", withdrawn);
}

}  // namespace
}  // namespace auth::work
