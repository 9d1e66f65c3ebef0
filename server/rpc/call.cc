#include "server/rpc/call.h"

#include <chrono>
#include <utility>
#include <variant>

#include "server/account/errors.h"
#include "server/rpc/status_names.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;
using account::Stage;

// What a step may throw (bad_alloc, first of all) must end the call, not the process.
template <typename Function>
auto CatchAll(Function function) -> std::optional<decltype(function())> {
  try {
    return function();
  } catch (...) {
    return std::nullopt;
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
  const std::optional<Stage> next = CatchAll([this] { return operation_->Begin(); });
  const bool needs_workers = next.has_value() && *next != Stage::kDone;
  if (needs_workers && !Admit(*next)) return;
  Continue(next);
}

void Call::Refuse(Reason reason) { AnswerFrom(State::kInStep, MakeError(reason)); }

bool Call::Admit(Stage first) {
  if (dependencies_.clock->Monotonic() >= deadline_) {
    Refuse(Reason::kDeadlineExceeded);
    return false;
  }
  using Needs = work::AdmissionController::Needs;
  auto admitted = dependencies_.admission->Admit(
      first == Stage::kHash ? Needs::kHashAndStore : Needs::kStore, deadline_);
  if (const auto* refusal = std::get_if<work::AdmissionController::Refusal>(&admitted)) {
    AnswerFrom(State::kInStep, MakeError(Reason::kOverloaded, refusal->retry_after));
    return false;
  }
  ticket_ = std::get<work::AdmissionController::Ticket>(std::move(admitted));
  return true;
}

void Call::Continue(std::optional<Stage> next) {
  if (!next.has_value()) {
    Refuse(Reason::kInternal);
  } else if (*next == Stage::kDone) {
    AnswerWithResult();
  } else {
    Submit(*next);
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
  workers->Submit({.deadline = deadline_,
                   .run = [self = shared_from_this(), stage] { self->RunStep(stage); },
                   .expire =
                       [self = shared_from_this()] {
                         self->AnswerFrom(State::kWaiting, MakeError(Reason::kDeadlineExceeded));
                       }});
}

void Call::RunStep(Stage stage) {
  if (!Move(State::kWaiting, State::kInStep, stage)) return;
  const MonotonicTime started = dependencies_.clock->Monotonic();
  const std::optional<Stage> next = CatchAll([this] {
    return operation_->Run({deadline_, &cancelled_});
  });
  if (stage == Stage::kHash) {
    dependencies_.admission->RecordHash(dependencies_.clock->Monotonic() - started);
    // Whoever waits for the database must not keep others from hashing.
    if (next != Stage::kHash) ticket_->ReleaseHash();
  }
  Continue(next);
}

void Call::Cancel() {
  cancelled_ = true;
  AnswerFrom(State::kWaiting, GoneStatus());
}

bool Call::GiveUp() {
  if (Move(State::kWaiting, State::kAnswered)) {
    ReleaseAndAnswer(MakeError(Reason::kShuttingDown));
    return true;
  }
  if (!Move(State::kInStep, State::kAnswered)) return false;
  // The step's thread still has the operation; it should not begin more with it.
  cancelled_ = true;
  Answer(InStoreStep() ? info_.outcome_unknown : MakeError(Reason::kShuttingDown));
  return true;
}

bool Call::InStoreStep() const {
  MutexLock lock(&mutex_);
  return stage_ == Stage::kStore;
}

bool Call::Move(State from, State to, Stage stage) {
  const MonotonicTime now = dependencies_.clock->Monotonic();
  MutexLock lock(&mutex_);
  if (state_ != from) return false;
  const Duration spent = now - since_;
  if (from == State::kWaiting) {
    queue_time_ += spent;
  } else if (stage_ == Stage::kHash) {
    hash_time_ += spent;
  } else if (stage_ == Stage::kStore) {
    store_time_ += spent;
  }
  state_ = to;
  since_ = now;
  if (to == State::kInStep) stage_ = stage;
  return true;
}

void Call::AnswerFrom(State from, const absl::Status& status) {
  if (Move(from, State::kAnswered)) ReleaseAndAnswer(status);
}

void Call::AnswerWithResult() {
  if (!Move(State::kInStep, State::kAnswered)) return;
  const std::optional<absl::Status> status = CatchAll([this] { return responder_->WriteResult(); });
  ReleaseAndAnswer(status.has_value() ? *status : MakeError(Reason::kInternal));
}

void Call::ReleaseAndAnswer(const absl::Status& status) {
  operation_.reset();
  ticket_.reset();
  Answer(status);
}

void Call::Answer(const absl::Status& status) {
  ops::CallRecord record;
  record.rpc = info_.rpc;
  record.code = CodeName(status.code());
  if (!status.ok()) record.reason = Name(account::GetErrorDetails(status).reason);
  record.duration = dependencies_.clock->Monotonic() - arrival_;
  {
    MutexLock lock(&mutex_);
    record.queue_time = queue_time_;
    record.hash_time = hash_time_;
    record.store_time = store_time_;
  }
  record.peer = info_.peer;
  record.request_id = info_.request_id;
  record.trace_id = info_.trace_id;
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
