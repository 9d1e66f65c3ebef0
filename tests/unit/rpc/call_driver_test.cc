#include "server/rpc/call_driver.h"

#include <gmock/gmock.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/account/errors.h"
#include "server/ops/log_scope.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/gate.h"
#include "tests/support/test_run.h"

namespace auth::rpc {
namespace {

using account::GetErrorDetails;
using account::MakeError;
using account::Reason;
using account::Stage;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Eventually;
using testing::Gate;

// An operation whose steps are functions; each tells the next stage.
class ScriptedOperation final : public account::Operation {
 public:
  using Step = std::function<Stage(const account::CallContext&)>;
  ScriptedOperation(Stage first, std::vector<Step> steps)
      : first_(first), steps_(std::move(steps)) {}

  Stage Begin() override { return first_; }
  Stage Run(const account::CallContext& context) override { return steps_.at(next_++)(context); }

 private:
  const Stage first_;
  const std::vector<Step> steps_;
  size_t next_ = 0;
};

// What a caller sees: the answers, which must be one.
class Caller final : public Responder {
 public:
  absl::Status WriteResult() override {
    if (throw_in_write_) throw std::runtime_error("planted");
    ++written_;
    return result_;
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(&mutex_);
    status_ = status;
    ++answers_;
  }

  int answers() {
    MutexLock lock(&mutex_);
    return answers_;
  }
  absl::Status Await() {
    EXPECT_TRUE(Eventually([&] { return answers() > 0; })) << "no answer";
    MutexLock lock(&mutex_);
    EXPECT_EQ(answers_, 1);
    return status_;
  }
  Reason AwaitReason() { return GetErrorDetails(Await()).reason; }
  int written() const { return written_; }

  absl::Status result_;
  bool throw_in_write_ = false;
  CallDriver::Handle handle_;

 private:
  std::atomic<int> written_{0};
  Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  int answers_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Recorder final : public ops::CallObserver {
 public:
  void OnCall(const ops::CallRecord& record) override {
    MutexLock lock(&mutex_);
    records_.push_back(record);
  }
  std::vector<ops::CallRecord> records() {
    MutexLock lock(&mutex_);
    return records_;
  }

 private:
  Mutex mutex_;
  std::vector<ops::CallRecord> records_ ABSL_GUARDED_BY(mutex_);
};

constexpr Duration kMaxDeadline = seconds(15);

class CallDriverTest : public ::testing::Test {
 protected:
  CallDriverTest() { driver_.StartAdmitting(); }
  ~CallDriverTest() override {
    gate_.Open();
    ExpectAllAnsweredOnce();
    hash_workers_.reset();
    store_workers_.reset();
    callers_.clear();
  }

  // Lives until the workers have ended, whatever the test does.
  Caller& NewCaller() { return *callers_.emplace_back(std::make_unique<Caller>()); }

  void ExpectAllAnsweredOnce() {
    for (auto& caller : callers_) {
      EXPECT_TRUE(Eventually([&] { return caller->answers() > 0; }));
      EXPECT_EQ(caller->answers(), 1);
    }
  }

  CallDependencies Dependencies() {
    return {.clock = &clock_,
            .admission = &admission_,
            .hash_workers = hash_workers_.get(),
            .store_workers = store_workers_.get(),
            .observer = &recorder_,
            .access = &access_};
  }

  static CallInfo Info() {
    CallInfo info;
    info.rpc = "Register";
    info.method = "auth.v1.AuthService/Register";
    info.peer = "ipv4:127.0.0.1:1";
    info.caller = "shop.example";
    info.request_id = "request-1";
    info.trace.trace_id = "trace-1";
    return info;
  }

  void Start(Caller* caller, CallInfo info, Stage first,
             std::vector<ScriptedOperation::Step> steps) {
    caller->handle_ = driver_.Start(
        std::move(info), std::make_unique<ScriptedOperation>(first, std::move(steps)), caller);
  }

  // A step that stays in its worker until the gate opens.
  ScriptedOperation::Step Stuck(Stage next) {
    return [this, next](const account::CallContext&) {
      gate_.Pass();
      return next;
    };
  }
  static ScriptedOperation::Step Quick(Stage next) {
    return [next](const account::CallContext&) { return next; };
  }
  static ScriptedOperation::Step Never() {
    return [](const account::CallContext&) {
      ADD_FAILURE() << "this step must not run";
      return Stage::kDone;
    };
  }

  testing::FakeClock clock_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Recorder recorder_;
  const AccessPolicy access_{nullptr};
  Gate gate_{Gate::State::kClosed};
  work::AdmissionController admission_{{.hash_workers = 1, .hash_queue = 2, .store_calls = 50},
                                       &clock_};
  std::unique_ptr<work::WorkerPool> hash_workers_ =
      std::make_unique<work::WorkerPool>(work::WorkerPool::Options{.name = "hash"}, &clock_);
  std::unique_ptr<work::WorkerPool> store_workers_ =
      std::make_unique<work::WorkerPool>(work::WorkerPool::Options{.name = "store"}, &clock_);
  CallDriver driver_{kMaxDeadline, Dependencies()};
};

TEST_F(CallDriverTest, HopsBetweenTheWorkersAndRecordsTheTimeOfEachStage) {
  Caller& caller = NewCaller();
  std::vector<std::string> threads;
  const auto on_thread = [&](Duration takes, Stage next) {
    return [&, takes, next](const account::CallContext& context) {
      char name[16] = {};
      pthread_getname_np(pthread_self(), name, sizeof name);
      threads.emplace_back(name);
      EXPECT_EQ(context.deadline, MonotonicTime(std::chrono::hours(1)) + kMaxDeadline);
      if (threads.back().starts_with("store")) ++*context.db_attempts;
      clock_.Advance(takes);
      return next;
    };
  };
  Start(&caller, Info(), Stage::kStore,
        {on_thread(milliseconds(3), Stage::kHash), on_thread(milliseconds(20), Stage::kStore),
         on_thread(milliseconds(4), Stage::kDone)});
  EXPECT_TRUE(caller.Await().ok());
  EXPECT_EQ(caller.written(), 1);
  EXPECT_THAT(threads, ::testing::ElementsAre("store-0", "hash-0", "store-0"));

  ASSERT_EQ(recorder_.records().size(), 1u);
  const ops::CallRecord record = recorder_.records().front();
  EXPECT_EQ(record.rpc, "Register");
  EXPECT_EQ(record.method, "auth.v1.AuthService/Register");
  EXPECT_EQ(record.code, "OK");
  EXPECT_EQ(record.reason, "");
  EXPECT_EQ(record.hash_time, milliseconds(20));
  EXPECT_EQ(record.store_time, milliseconds(7));
  EXPECT_EQ(record.queue_time, Duration::zero());
  EXPECT_EQ(record.duration, milliseconds(27));
  EXPECT_EQ(record.db_attempts, 2);
  EXPECT_EQ(record.peer, "ipv4:127.0.0.1:1");
  EXPECT_EQ(record.caller, "shop.example");
  EXPECT_EQ(record.request_id, "request-1");
  EXPECT_EQ(record.trace.trace_id, "trace-1");
}

TEST_F(CallDriverTest, WhatAStepLogsIsOfItsCall) {
  Caller& caller = NewCaller();
  std::string ids;
  Start(&caller, Info(), Stage::kStore, {[&](const account::CallContext&) {
    const ops::LogScope* const scope = ops::LogScope::Current();
    if (scope == nullptr) return Stage::kDone;
    ids.append(scope->request_id()).append(" ").append(scope->trace_id());
    return Stage::kDone;
  }});
  EXPECT_TRUE(caller.Await().ok());
  EXPECT_EQ(ids, "request-1 trace-1");
}

TEST_F(CallDriverTest, TheOperationIsToldTheTraceIfTheCallerSamplesIt) {
  for (const bool sampled : {false, true}) {
    CallInfo info = Info();
    info.trace.sampled = sampled;
    Caller& caller = NewCaller();
    std::string told;
    Start(&caller, info, Stage::kStore, {[&](const account::CallContext& context) {
      told = context.sampled_trace_id;
      return Stage::kDone;
    }});
    EXPECT_TRUE(caller.Await().ok());
    EXPECT_EQ(told, sampled ? "trace-1" : "");
  }
}

TEST_F(CallDriverTest, AnOperationThatIsDoneAtOnceNeedsNoPlace) {
  // All places are taken, and a malformed token is told so nevertheless.
  for (int i = 0; i < 50; ++i) {
    Start(&NewCaller(), Info(), Stage::kStore, {Stuck(Stage::kDone)});
  }
  Caller& caller = NewCaller();
  caller.result_ = MakeError(Reason::kSessionInvalid);
  Start(&caller, Info(), Stage::kDone, {});
  EXPECT_EQ(caller.answers(), 1);
  EXPECT_EQ(caller.AwaitReason(), Reason::kSessionInvalid);
  EXPECT_EQ(recorder_.records().back().code, "UNAUTHENTICATED");
  EXPECT_EQ(recorder_.records().back().reason, "SESSION_INVALID");
}

TEST_F(CallDriverTest, CallsThatWaitForTheDatabaseDoNotKeepOthersFromHashing) {
  // Three places to hash, and ten sign-ins that look their user up in a database that hangs.
  for (int i = 0; i < 10; ++i) {
    Start(&NewCaller(), Info(), Stage::kStore, {Stuck(Stage::kDone)});
  }
  Caller& caller = NewCaller();
  Start(&caller, Info(), Stage::kHash, {Quick(Stage::kDone)});
  EXPECT_TRUE(caller.Await().ok());
}

TEST_F(CallDriverTest, AHashAfterTheDatabaseIsRefusedWhenTheQueueIsFull) {
  Caller& late = NewCaller();
  Gate looked_up{Gate::State::kClosed};
  Start(&late, Info(), Stage::kStore,
        {[&](const account::CallContext&) {
           looked_up.Pass();
           return Stage::kHash;
         },
         Never()});
  for (int i = 0; i < 3; ++i) {
    Start(&NewCaller(), Info(), Stage::kHash, {Stuck(Stage::kDone)});
  }
  looked_up.Open();
  EXPECT_EQ(late.AwaitReason(), Reason::kOverloaded);
}

TEST_F(CallDriverTest, RefusesBeforeAnyStepWhenAQueueIsFull) {
  for (int i = 0; i < 3; ++i) {
    Start(&NewCaller(), Info(), Stage::kHash, {Stuck(Stage::kDone)});
  }
  Caller& refused = NewCaller();
  Start(&refused, Info(), Stage::kHash, {Never()});
  EXPECT_EQ(refused.answers(), 1) << "refused at arrival";
  const absl::Status status = refused.Await();
  EXPECT_EQ(GetErrorDetails(status).reason, Reason::kOverloaded);
  EXPECT_TRUE(GetErrorDetails(status).retry_after.has_value());
}

TEST_F(CallDriverTest, AHashedCallLeavesItsPlaceToTheNextWhileItWaitsForTheDatabase) {
  for (int started = 1; started <= 20; ++started) {
    Start(&NewCaller(), Info(), Stage::kHash, {Quick(Stage::kStore), Stuck(Stage::kDone)});
    // It has hashed when it holds or waits for the store worker.
    ASSERT_TRUE(Eventually(
        [&] { return store_workers_->running() + store_workers_->queued() == started; }));
  }
  gate_.Open();
  for (const auto& caller : callers_) EXPECT_TRUE(caller->Await().ok());
}

TEST_F(CallDriverTest, DeadlineIsTheCallersButAtMostTheServers) {
  const MonotonicTime now = clock_.Monotonic();
  const std::pair<std::optional<WallTime>, Duration> cases[] = {
      {std::nullopt, kMaxDeadline},
      {WallTime::max(), kMaxDeadline},
      {clock_.Now() + seconds(60), kMaxDeadline},
      {clock_.Now() + seconds(2), seconds(2)},
  };
  for (const auto& [client, allowed] : cases) {
    Caller& caller = NewCaller();
    MonotonicTime seen;
    CallInfo info = Info();
    info.client_deadline = client;
    Start(&caller, info, Stage::kStore, {[&](const account::CallContext& context) {
      seen = context.deadline;
      return Stage::kDone;
    }});
    EXPECT_TRUE(caller.Await().ok());
    EXPECT_EQ(seen - now, allowed);
  }
}

TEST_F(CallDriverTest, StepsOfTheWallClockMoveNoDeadline) {
  Caller& first = NewCaller();
  Caller& second = NewCaller();
  CallInfo info = Info();
  info.client_deadline = clock_.Now() + seconds(2);
  Start(&first, info, Stage::kStore, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  Start(&second, info, Stage::kStore, {Never()});
  clock_.StepWallClock(std::chrono::hours(1));
  clock_.Advance(milliseconds(1999));
  EXPECT_EQ(store_workers_->queued(), 1);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(second.AwaitReason(), Reason::kDeadlineExceeded);
  EXPECT_EQ(recorder_.records().back().queue_time, seconds(2));
}

TEST_F(CallDriverTest, ACallThatArrivesTooLateIsNotDone) {
  Caller& caller = NewCaller();
  CallInfo info = Info();
  info.client_deadline = clock_.Now();
  Start(&caller, info, Stage::kHash, {Never()});
  EXPECT_EQ(caller.AwaitReason(), Reason::kDeadlineExceeded);
}

TEST_F(CallDriverTest, AResultThatComesAfterTheDeadlineIsStillTheAnswer) {
  Caller& caller = NewCaller();
  Start(&caller, Info(), Stage::kStore, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  clock_.Advance(kMaxDeadline * 2);
  EXPECT_EQ(caller.answers(), 0);
  gate_.Open();
  EXPECT_TRUE(caller.Await().ok());
}

TEST_F(CallDriverTest, NoFurtherStepBeginsAfterTheDeadline) {
  Caller& caller = NewCaller();
  Start(&caller, Info(), Stage::kHash, {Stuck(Stage::kStore), Never()});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  clock_.Advance(kMaxDeadline);
  gate_.Open();
  EXPECT_EQ(caller.AwaitReason(), Reason::kDeadlineExceeded);
  EXPECT_EQ(caller.written(), 0);
}

TEST_F(CallDriverTest, ACallerWhoGoesWhileHisCallWaitsIsAnsweredAtOnceAndNothingIsDone) {
  Caller& first = NewCaller();
  Caller& second = NewCaller();
  Start(&first, Info(), Stage::kHash, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  Start(&second, Info(), Stage::kHash, {Never()});
  second.handle_.Cancel();
  second.handle_.Cancel();
  EXPECT_EQ(second.answers(), 1);
  EXPECT_EQ(second.AwaitReason(), Reason::kCancelled);
  EXPECT_EQ(recorder_.records().back().code, "CANCELLED");
  EXPECT_EQ(hash_workers_->queued(), 0);
  // Both places of the queue are free again.
  for (int i = 0; i < 2; ++i) Start(&NewCaller(), Info(), Stage::kHash, {Quick(Stage::kDone)});
  gate_.Open();
  for (const auto& caller : callers_) {
    EXPECT_EQ(caller->Await().ok(), caller.get() != &second);
  }
}

TEST_F(CallDriverTest, CallersWhoGoWhileTheDatabaseHangsLeaveNothingBehind) {
  Start(&NewCaller(), Info(), Stage::kStore, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  for (int i = 0; i < 1000; ++i) {  // many more than there are places
    Caller& gone = NewCaller();
    Start(&gone, Info(), Stage::kStore, {Never()});
    gone.handle_.Cancel();
    ASSERT_EQ(gone.AwaitReason(), Reason::kCancelled);
    ASSERT_EQ(store_workers_->queued(), 0);
  }
  Caller& patient = NewCaller();
  Start(&patient, Info(), Stage::kStore, {Quick(Stage::kDone)});
  gate_.Open();
  EXPECT_TRUE(patient.Await().ok());
}

TEST_F(CallDriverTest, GivingUpEmptiesTheQueues) {
  Start(&NewCaller(), Info(), Stage::kStore, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  for (int i = 0; i < 10; ++i) Start(&NewCaller(), Info(), Stage::kStore, {Never()});
  EXPECT_EQ(store_workers_->queued(), 10);
  EXPECT_EQ(driver_.GiveUp(), 11);
  EXPECT_EQ(store_workers_->queued(), 0);
}

TEST_F(CallDriverTest, ACallerWhoGoesDuringAStepIsSeenByItAndByNoFurtherStep) {
  Caller& caller = NewCaller();
  std::atomic<bool> seen{false};
  Start(&caller, Info(), Stage::kHash,
        {[&](const account::CallContext& context) {
           gate_.Pass();
           seen = context.cancelled->load();
           return Stage::kStore;
         },
         Never()});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  caller.handle_.Cancel();
  EXPECT_EQ(caller.answers(), 0) << "the step still uses the operation";
  gate_.Open();
  EXPECT_EQ(caller.AwaitReason(), Reason::kCancelled);
  EXPECT_TRUE(seen);
}

TEST_F(CallDriverTest, AResultIsNotThrownAwayBecauseTheCallerHasGone) {
  Caller& caller = NewCaller();
  Start(&caller, Info(), Stage::kStore, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  caller.handle_.Cancel();
  gate_.Open();
  EXPECT_TRUE(caller.Await().ok());
  EXPECT_EQ(recorder_.records().back().code, "OK") << "the record tells what was done";
}

TEST_F(CallDriverTest, ACancellationAtTheCallersDeadlineIsTheDeadlines) {
  Caller& first = NewCaller();
  Start(&first, Info(), Stage::kHash, {Stuck(Stage::kDone)});
  ASSERT_TRUE(gate_.AwaitWaiting(1));
  Caller& punctual = NewCaller();
  Start(&punctual, Info(), Stage::kHash, {Never()});
  Caller& early = NewCaller();
  Start(&early, Info(), Stage::kHash, {Never()});
  clock_.Advance(kMaxDeadline - seconds(1));
  early.handle_.Cancel();
  EXPECT_EQ(early.AwaitReason(), Reason::kCancelled);
  clock_.Advance(milliseconds(900));  // his clock has begun a little earlier
  punctual.handle_.Cancel();
  EXPECT_EQ(punctual.AwaitReason(), Reason::kDeadlineExceeded);
}

TEST_F(CallDriverTest, ExceptionsBecomeInternalAndTheWorkerLives) {
  Caller& in_step = NewCaller();
  Start(&in_step, Info(), Stage::kHash,
        {[](const account::CallContext&) -> Stage { throw std::bad_alloc(); }});
  EXPECT_EQ(in_step.Await().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(recorder_.records().back().cause, std::bad_alloc().what());
  Caller& in_write = NewCaller();
  in_write.throw_in_write_ = true;
  Start(&in_write, Info(), Stage::kHash, {Quick(Stage::kDone)});
  EXPECT_EQ(in_write.Await().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(recorder_.records().back().cause, "planted");
  // More calls than there are places: none was lost.
  for (int i = 0; i < 5; ++i) {
    Caller& next = NewCaller();
    Start(&next, Info(), Stage::kHash, {Quick(Stage::kDone)});
    EXPECT_TRUE(next.Await().ok());
  }
}

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
  constexpr int kThreads = 4;
  constexpr int kCallsEach = 500;
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
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + static_cast<uint64_t>(t));
      for (int i = 0; i < kCallsEach; ++i) {
        Caller& caller = callers[static_cast<size_t>(t * kCallsEach + i)];
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
