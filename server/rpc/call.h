#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/mutex.h"
#include "server/account/operation.h"
#include "server/ops/call_record.h"
#include "server/rpc/call_driver.h"
#include "server/work/admission_controller.h"
#include "server/work/worker_pool.h"

namespace auth::rpc {

// One call of CallDriver. It is at each moment either waiting in a queue, or in a step on one
// thread, or answered; the one who moves it to `answered` answers it. The tasks that it submits
// share its ownership, so it may outlive its answer, but not the worker pools.
//
// Thread-safe, except Begin, which comes first.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(CallInfo info, MonotonicTime arrival, MonotonicTime deadline,
       std::unique_ptr<account::Operation> operation, const CallDependencies& dependencies,
       Responder* responder);

  // Runs the structural checks and submits the first step, or answers.
  void Begin();
  // Answers in the place of Begin, or of a step.
  void Refuse(const absl::Status& status);
  // The caller has gone.
  void Cancel();
  // Answers, unless that has been done: then false.
  bool GiveUp();

 private:
  enum class State { kInStep, kWaiting, kAnswered };

  // On the thread that is in the step.
  void Continue(account::Stage next);
  // Takes places in the queues; false if it had to answer.
  bool Admit(account::Stage first);
  void Submit(account::Stage stage);
  void RunStep(account::Stage stage);

  // Leaves `from` for `to`; false if the call is not in `from`. `stage` is the step's that begins.
  bool Move(State from, State to, account::Stage stage = account::Stage::kDone);
  // What Move does once it knows that the call may be moved.
  void Enter(State to, account::Stage stage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Empty unless the caller samples the trace.
  std::string_view SampledTraceId() const;
  // Answers if the call is in `from`, and gives everything back.
  void AnswerFrom(State from, const absl::Status& status);
  void AnswerWithResult();
  // A call that is answered leaves nothing in a queue.
  void Withdraw();
  // Once, by whoever moved to kAnswered. Gives back what only the thread in the step may touch.
  void ReleaseAndAnswer(const absl::Status& status);
  void Answer(const absl::Status& status);
  // Why a call is answered whose caller has gone.
  absl::Status GoneStatus() const;

  const CallInfo info_;
  const MonotonicTime arrival_;
  const MonotonicTime deadline_;
  const CallDependencies dependencies_;
  Responder* const responder_;  // not touched after the answer
  std::atomic<bool> cancelled_{false};
  std::atomic<int> db_attempts_{0};

  // A task in a queue; there is one while the call waits.
  struct Waiting {
    work::WorkerPool* workers;
    work::TaskId task;
  };

  // Belong to the thread that is in the step, else to whoever answers.
  std::unique_ptr<account::Operation> operation_;
  std::optional<work::AdmissionController::Ticket> ticket_;

  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kInStep;
  MonotonicTime since_ ABSL_GUARDED_BY(mutex_);  // when state_ was entered
  std::optional<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  // Of the step in which the call is; kDone at arrival.
  account::Stage stage_ ABSL_GUARDED_BY(mutex_) = account::Stage::kDone;
  Duration queue_time_ ABSL_GUARDED_BY(mutex_){};
  Duration hash_time_ ABSL_GUARDED_BY(mutex_){};
  Duration store_time_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace auth::rpc
