#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "server/account/errors.h"
#include "server/rpc/call_driver.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/gate.h"

namespace auth::rpc {

// An operation whose steps are functions; each tells the next stage.
class ScriptedOperation final : public account::Operation {
 public:
  using Step = std::function<account::Stage(const account::CallContext&)>;
  ScriptedOperation(account::Stage first, std::vector<Step> steps)
      : first_(first), steps_(std::move(steps)) {}

  account::Stage Begin() override { return first_; }
  account::Stage Run(const account::CallContext& context) override {
    return steps_.at(next_++)(context);
  }

 private:
  const account::Stage first_;
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
    EXPECT_TRUE(testing::Eventually([&] { return answers() > 0; })) << "no answer";
    MutexLock lock(&mutex_);
    EXPECT_EQ(answers_, 1);
    return status_;
  }
  account::Reason AwaitReason() { return account::GetErrorDetails(Await()).reason; }
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

constexpr Duration kMaxDeadline = std::chrono::seconds(15);

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
      EXPECT_TRUE(testing::Eventually([&] { return caller->answers() > 0; }));
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

  void Start(Caller* caller, CallInfo info, account::Stage first,
             std::vector<ScriptedOperation::Step> steps) {
    caller->handle_ = driver_.Start(
        std::move(info), std::make_unique<ScriptedOperation>(first, std::move(steps)), caller);
  }

  // A step that stays in its worker until the gate opens.
  ScriptedOperation::Step Stuck(account::Stage next) {
    return [this, next](const account::CallContext&) {
      gate_.Pass();
      return next;
    };
  }
  static ScriptedOperation::Step Quick(account::Stage next) {
    return [next](const account::CallContext&) { return next; };
  }
  static ScriptedOperation::Step Never() {
    return [](const account::CallContext&) {
      ADD_FAILURE() << "this step must not run";
      return account::Stage::kDone;
    };
  }

  testing::FakeClock clock_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Recorder recorder_;
  const AccessPolicy access_{nullptr};
  testing::Gate gate_{testing::Gate::State::kClosed};
  work::AdmissionController admission_{{.hash_workers = 1, .hash_queue = 2, .store_calls = 50},
                                       &clock_};
  std::unique_ptr<work::WorkerPool> hash_workers_ =
      std::make_unique<work::WorkerPool>(work::WorkerPool::Options{.name = "hash"}, &clock_);
  std::unique_ptr<work::WorkerPool> store_workers_ =
      std::make_unique<work::WorkerPool>(work::WorkerPool::Options{.name = "store"}, &clock_);
  CallDriver driver_{kMaxDeadline, Dependencies()};
};

}  // namespace auth::rpc
