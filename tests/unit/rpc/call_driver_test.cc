#include "server/rpc/call_driver.h"

#include <gmock/gmock.h>
#include <pthread.h>

#include <chrono>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/ops/log_scope.h"
#include "tests/unit/rpc/call_driver_fixture.h"

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

}  // namespace
}  // namespace auth::rpc
