#include "server/rpc/call.h"

#include <chrono>
#include <exception>
#include <string_view>
#include <utility>
#include <variant>

#include "server/account/errors.h"
#include "server/ops/log_scope.h"
#include "server/ops/status_names.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;
using account::Stage;

// What a step may throw (bad_alloc, first of all) must end the call, not the process.
template <typename Function>
absl::Status CatchAll(Function function) {
  try {
    function();
    return absl::OkStatus();
  } catch (const std::exception& exception) {
    return account::InternalBecause(exception.what());
  } catch (...) {
    return account::InternalBecause("an exception of no known type");
  }
}

}  // namespace

Call::Call(CallInfo info, MonotonicTime arrival, MonotonicTime deadline,
           std::unique_ptr<account::Operation> operation, const CallDependencies& dependencies,
           Responder* responder)
    : info_(std::move(info)),
      arrival_(arrival),
      deadline_(deadline),
      dependencies_(dependencies),
      responder_(responder),
      operation_(std::move(operation)),
      since_(arrival) {}

void Call::Begin() {
  Stage next = Stage::kDone;
  const absl::Status thrown = CatchAll([&] { next = operation_->Begin(); });
  if (!thrown.ok()) return Refuse(thrown);
  if (next != Stage::kDone && !Admit(next)) return;
  Continue(next);
}

void Call::Refuse(const absl::Status& status) { AnswerFrom(State::kInStep, status); }

bool Call::Admit(Stage first) {
  if (dependencies_.clock->Monotonic() >= deadline_) {
    Refuse(MakeError(Reason::kDeadlineExceeded));
    return false;
  }
  using Needs = work::AdmissionController::Needs;
  const Needs needs = first == Stage::kHash       ? Needs::kHashAndStore
                      : operation_->HashesLater() ? Needs::kStoreThenHash
                                                  : Needs::kStore;
  auto admitted = dependencies_.admission->Admit(needs, deadline_);
  if (const auto* refusal = std::get_if<work::AdmissionController::Refusal>(&admitted)) {
    Refuse(MakeError(Reason::kOverloaded, refusal->retry_after));
    return false;
  }
  ticket_ = std::get<work::AdmissionController::Ticket>(std::move(admitted));
  return true;
}

void Call::Continue(Stage next) {
  if (next == Stage::kDone) {
    AnswerWithResult();
  } else {
    Submit(next);
  }
}

void Call::Submit(Stage stage) {
  if (stage == Stage::kHash) {
    if (const auto refusal = ticket_->AcquireHash(deadline_)) {
      return AnswerFrom(State::kInStep, MakeError(Reason::kOverloaded, refusal->retry_after));
    }
  }
  if (!Move(State::kInStep, State::kWaiting)) return;
  // A caller who went during the step found nobody waiting, and left it to us.
  if (cancelled_) return AnswerFrom(State::kWaiting, GoneStatus());
  work::WorkerPool* const workers =
      stage == Stage::kHash ? dependencies_.hash_workers : dependencies_.store_workers;
  work::Task task = {.deadline = deadline_,
                     .run = [self = shared_from_this(), stage] { self->RunStep(stage); },
                     .expire =
                         [self = shared_from_this()] {
                           self->AnswerFrom(State::kWaiting, MakeError(Reason::kDeadlineExceeded));
                         }};
  MutexLock lock(&mutex_);
  // Answered since: nobody would withdraw the task. The task itself waits for the lock.
  if (state_ == State::kWaiting) waiting_ = {workers, workers->Submit(std::move(task))};
}

void Call::Withdraw() {
  std::optional<Waiting> waiting;
  {
    MutexLock lock(&mutex_);
    waiting = waiting_;
  }
  if (waiting.has_value()) (void)waiting->workers->Withdraw(waiting->task);
}

void Call::RunStep(Stage stage) {
  if (!Move(State::kWaiting, State::kInStep, stage)) return;
  const MonotonicTime started = dependencies_.clock->Monotonic();
  Stage next = Stage::kDone;
  const absl::Status thrown = CatchAll([&] {
    const ops::LogScope scope(info_.request_id, info_.trace.trace_id);
    next = operation_->Run({.deadline = deadline_,
                            .cancelled = &cancelled_,
                            .db_attempts = &db_attempts_,
                            .sampled_trace_id = SampledTraceId()});
  });
  if (stage == Stage::kHash) {
    dependencies_.admission->RecordHash(dependencies_.clock->Monotonic() - started);
    // Whoever waits for the database must not keep others from hashing.
    if (next != Stage::kHash) ticket_->ReleaseHash();
  }
  if (!thrown.ok()) return Refuse(thrown);
  Continue(next);
}

void Call::Cancel() {
  cancelled_ = true;
  AnswerFrom(State::kWaiting, GoneStatus());
}

bool Call::GiveUp() {
  State left;
  bool in_store_step;
  {
    // Whatever it is in: between two looks it could go from one state to the other.
    MutexLock lock(&mutex_);
    if (state_ == State::kAnswered) return false;
    left = state_;
    in_store_step = stage_ == Stage::kStore;
    Enter(State::kAnswered, Stage::kDone);
  }
  if (left == State::kWaiting) {
    ReleaseAndAnswer(MakeError(Reason::kShuttingDown));
    return true;
  }
  // The step's thread still has the operation; it should not begin more with it.
  cancelled_ = true;
  Answer(in_store_step ? info_.outcome_unknown : MakeError(Reason::kShuttingDown));
  return true;
}

std::string_view Call::SampledTraceId() const {
  return info_.trace.sampled ? std::string_view(info_.trace.trace_id) : std::string_view();
}

bool Call::Move(State from, State to, Stage stage) {
  MutexLock lock(&mutex_);
  if (state_ != from) return false;
  Enter(to, stage);
  return true;
}

void Call::Enter(State to, Stage stage) {
  const MonotonicTime now = dependencies_.clock->Monotonic();
  const Duration spent = now - since_;
  if (state_ == State::kWaiting) {
    queue_time_ += spent;
  } else if (stage_ == Stage::kHash) {
    hash_time_ += spent;
  } else if (stage_ == Stage::kStore) {
    store_time_ += spent;
  }
  state_ = to;
  since_ = now;
  if (to == State::kInStep) {
    stage_ = stage;
    waiting_.reset();
  }
}

void Call::AnswerFrom(State from, const absl::Status& status) {
  if (Move(from, State::kAnswered)) ReleaseAndAnswer(status);
}

void Call::AnswerWithResult() {
  if (!Move(State::kInStep, State::kAnswered)) return;
  absl::Status status;
  const absl::Status thrown = CatchAll([&] { status = responder_->WriteResult(); });
  ReleaseAndAnswer(thrown.ok() ? status : thrown);
}

void Call::ReleaseAndAnswer(const absl::Status& status) {
  Withdraw();  // before the ticket, which bounds the queue
  operation_.reset();
  ticket_.reset();
  Answer(status);
}

void Call::Answer(const absl::Status& status) {
  ops::CallRecord record;
  record.rpc = info_.rpc;
  record.method = info_.method;
  record.code = ops::CodeName(status.code());
  if (!status.ok()) record.reason = Name(account::GetErrorDetails(status).reason);
  record.cause = account::InternalCause(status);
  record.duration = dependencies_.clock->Monotonic() - arrival_;
  {
    MutexLock lock(&mutex_);
    record.queue_time = queue_time_;
    record.hash_time = hash_time_;
    record.store_time = store_time_;
  }
  record.db_attempts = db_attempts_;
  record.peer = info_.peer;
  record.caller = info_.caller;
  record.request_id = info_.request_id;
  record.trace = info_.trace;
  dependencies_.observer->OnCall(record);
  responder_->Finish(status);
}

absl::Status Call::GoneStatus() const {
  // Whose own deadline passes cancels, too; the deadline is the truer reason. He does so a little
  // before ours: his began earlier, and gRPC rounds it up to two or three digits on the wire.
  const Duration slack = (deadline_ - arrival_) / 50 + std::chrono::milliseconds(10);
  const bool late = dependencies_.clock->Monotonic() + slack >= deadline_;
  return MakeError(late ? Reason::kDeadlineExceeded : Reason::kCancelled);
}

}  // namespace auth::rpc
