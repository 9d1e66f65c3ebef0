// How calls end when the server stops, and when everything happens at once.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/test_run.h"
#include "tests/unit/rpc/call_driver_fixture.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;
using account::Stage;
using std::chrono::milliseconds;
using testing::Eventually;

TEST_F(CallDriverTest, BeforeItIsReadyCallsAreToldToComeBack) {
  CallDriver starting(kMaxDeadline, Dependencies());
  const auto never = [] {
    return std::make_unique<ScriptedOperation>(Stage::kHash,
                                               std::vector<ScriptedOperation::Step>{Never()});
  };
  Caller& early = NewCaller();
  early.handle_ = starting.Start(Info(), never(), &early);
  EXPECT_EQ(early.AwaitReason(), Reason::kDatabaseUnavailable);
  early.handle_ = {};
  starting.StopAdmitting();
  starting.StartAdmitting();  // the database came too late
  Caller& late = NewCaller();
  late.handle_ = starting.Start(Info(), never(), &late);
  EXPECT_EQ(late.AwaitReason(), Reason::kShuttingDown);
  late.handle_ = {};
}

TEST_F(CallDriverTest, DrainFinishesWhatIsAdmittedAndRefusesTheRest) {
  Caller& admitted = NewCaller();
  Start(&admitted, Info(), Stage::kStore, {Stuck(Stage::kHash), Quick(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  driver_.StopAdmitting();
  Caller& refused = NewCaller();
  Start(&refused, Info(), Stage::kHash, {Never()});
  EXPECT_EQ(refused.AwaitReason(), Reason::kShuttingDown);
  EXPECT_FALSE(driver_.WaitUntilIdle(clock_.Monotonic()));
  gate_.Open();
  EXPECT_TRUE(admitted.Await().ok());
  EXPECT_FALSE(driver_.WaitUntilIdle(clock_.Monotonic())) << "answers are not yet delivered";
  admitted.handle_ = {};
  refused.handle_ = {};
  EXPECT_TRUE(driver_.WaitUntilIdle(clock_.Monotonic()));
}

TEST_F(CallDriverTest, GivingUpAnswersAllAndLeavesRunningStepsAlone) {
  Caller& in_store = NewCaller();
  CallInfo unknown = Info();
  unknown.outcome_unknown = MakeError(Reason::kOutcomeUnknown);
  Start(&in_store, unknown, Stage::kStore, {Stuck(Stage::kHash), Never()});
  Caller& in_hash = NewCaller();
  Start(&in_hash, unknown, Stage::kHash, {Stuck(Stage::kStore), Never()});
  ASSERT_TRUE(gate_.AwaitWaiting(2));
  Caller& waiting = NewCaller();
  Start(&waiting, unknown, Stage::kStore, {Never()});
  Caller& done = NewCaller();
  Start(&done, Info(), Stage::kDone, {});

  EXPECT_EQ(driver_.GiveUp(), 3);
  EXPECT_EQ(in_store.AwaitReason(), Reason::kOutcomeUnknown);
  EXPECT_EQ(in_hash.AwaitReason(), Reason::kShuttingDown);
  EXPECT_EQ(waiting.AwaitReason(), Reason::kShuttingDown);
  EXPECT_EQ(driver_.GiveUp(), 0);
  gate_.Open();
  hash_workers_.reset();
  store_workers_.reset();
  for (Caller* caller : {&in_store, &in_hash, &waiting, &done}) {
    EXPECT_EQ(caller->answers(), 1);
    EXPECT_EQ(caller->written(), caller == &done ? 1 : 0);
  }
}

// Between a queue and a step is no gap through which a call could slip.
TEST_F(CallDriverTest, GivingUpMissesNoCallThatIsOnTheMove) {
  class Restless final : public account::Operation {
   public:
    explicit Restless(std::atomic<int>* steps) : steps_(steps) {}
    Stage Begin() override { return Stage::kStore; }
    Stage Run(const account::CallContext&) override {
      ++*steps_;
      return Stage::kStore;
    }

   private:
    std::atomic<int>* const steps_;
  };
  std::atomic<int> steps{0};
  for (int round = 0; round < 2000; ++round) {
    Caller caller;
    const int begun = steps + 3;
    caller.handle_ = driver_.Start(Info(), std::make_unique<Restless>(&steps), &caller);
    while (steps < begun) std::this_thread::yield();
    ASSERT_EQ(driver_.GiveUp(), 1) << "round " << round;
    ASSERT_EQ(caller.answers(), 1) << "round " << round;
    caller.handle_ = {};
  }
  store_workers_.reset();  // the last step counts, too
}

// Answers, expiry, cancellation and giving up race in real time; each call is answered once.
TEST(CallDriverStressTest, EveryCallIsAnsweredAndRecordedOnce) {
  constexpr size_t kThreads = 4;
  constexpr size_t kCallsEach = 500;
  const uint64_t seed = testing::TestSeed();
  RealClock clock;
  Recorder recorder;
  const AccessPolicy access(nullptr);
  std::vector<Caller> callers(kThreads * kCallsEach);
  work::AdmissionController admission({.hash_workers = 2, .hash_queue = 64}, &clock);
  auto hash = std::make_unique<work::WorkerPool>(
      work::WorkerPool::Options{.name = "hash", .threads = 2}, &clock);
  auto store = std::make_unique<work::WorkerPool>(
      work::WorkerPool::Options{.name = "store", .threads = 3}, &clock);
  CallDriver driver(milliseconds(3), {.clock = &clock,
                                      .admission = &admission,
                                      .hash_workers = hash.get(),
                                      .store_workers = store.get(),
                                      .observer = &recorder,
                                      .access = &access});
  driver.StartAdmitting();
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      for (size_t i = 0; i < kCallsEach; ++i) {
        Caller& caller = callers[t * kCallsEach + i];
        CallInfo info;
        info.rpc = "Register";
        std::vector<ScriptedOperation::Step> steps = {
            [](const account::CallContext&) { return Stage::kStore; },
            [](const account::CallContext&) { return Stage::kHash; },
            [](const account::CallContext&) { return Stage::kDone; }};
        caller.handle_ = driver.Start(
            info, std::make_unique<ScriptedOperation>(Stage::kHash, std::move(steps)), &caller);
        if (random() % 3 == 0) caller.handle_.Cancel();
        if (random() % 50 == 0) driver.GiveUp();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(Eventually([&] {
    return std::all_of(callers.begin(), callers.end(), [](Caller& c) { return c.answers() > 0; });
  }));
  hash.reset();
  store.reset();
  for (Caller& caller : callers) ASSERT_EQ(caller.answers(), 1);
  EXPECT_EQ(recorder.records().size(), callers.size());
  callers.clear();
  EXPECT_TRUE(driver.WaitUntilIdle(clock.Monotonic()));
}

}  // namespace
}  // namespace auth::rpc
