#include "server/rpc/call_driver.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "server/rpc/call.h"

namespace auth::rpc {
namespace {

// When a server that is just starting may be ready.
constexpr std::chrono::seconds kStartRetryAfter(1);

}  // namespace

CallDriver::Handle::Handle(CallDriver* driver, std::shared_ptr<Call> call)
    : driver_(driver), call_(std::move(call)) {}

CallDriver::Handle::Handle(Handle&& other) noexcept
    : driver_(other.driver_), call_(std::move(other.call_)) {}

CallDriver::Handle& CallDriver::Handle::operator=(Handle&& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(call_, other.call_);
  return *this;
}

CallDriver::Handle::~Handle() {
  if (call_ != nullptr) driver_->Remove(call_);
}

void CallDriver::Handle::Cancel() {
  if (call_ != nullptr) call_->Cancel();
}

CallDriver::CallDriver(Duration max_deadline, const CallDependencies& dependencies)
    : max_deadline_(max_deadline), dependencies_(dependencies) {}

CallDriver::Handle CallDriver::Start(CallInfo info, std::unique_ptr<account::Operation> operation,
                                     Responder* responder) {
  const MonotonicTime now = dependencies_.clock->Monotonic();
  const MonotonicTime deadline = now + TimeAllowed(info);
  absl::Status refusal = CheckAccess(&info);
  if (refusal.ok()) refusal = info.malformed;
  const bool needs_database = info.needs_database;
  auto call = std::make_shared<Call>(std::move(info), now, deadline, std::move(operation),
                                     dependencies_, responder);
  Phase phase;
  {
    MutexLock lock(&mutex_);
    calls_.insert(call);
    phase = phase_;
  }
  if (refusal.ok() && phase == Phase::kStopping) {
    refusal = account::MakeError(account::Reason::kShuttingDown);
  } else if (refusal.ok() && phase == Phase::kStarting && needs_database) {
    refusal = account::MakeError(account::Reason::kDatabaseUnavailable, kStartRetryAfter);
  }
  if (refusal.ok()) {
    call->Begin();
  } else {
    call->Refuse(refusal);
  }
  return Handle(this, std::move(call));
}

absl::Status CallDriver::CheckAccess(CallInfo* info) const {
  AccessPolicy::Verdict verdict = dependencies_.access->Check(info->method, info->authorization);
  info->authorization.clear();
  if (!verdict.caller.empty()) info->caller = std::move(verdict.caller);
  return std::move(verdict.status);
}

Duration CallDriver::TimeAllowed(const CallInfo& info) const {
  if (!info.client_deadline.has_value()) return max_deadline_;
  // Compared as times first: a deadline in the far future minus now may overflow.
  const WallTime now = dependencies_.clock->Now();
  const WallTime latest = now + std::chrono::duration_cast<WallTime::duration>(max_deadline_);
  return std::min(*info.client_deadline, latest) - now;
}

void CallDriver::StartAdmitting() {
  MutexLock lock(&mutex_);
  if (phase_ == Phase::kStarting) phase_ = Phase::kAdmitting;
}

void CallDriver::StopAdmitting() {
  MutexLock lock(&mutex_);
  phase_ = Phase::kStopping;
}

bool CallDriver::WaitUntilIdle(MonotonicTime deadline) {
  MutexLock lock(&mutex_);
  while (!calls_.empty() && dependencies_.clock->Monotonic() < deadline) {
    dependencies_.clock->WaitUntil(deadline, &idle_, &mutex_);
  }
  return calls_.empty();
}

int CallDriver::GiveUp() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    MutexLock lock(&mutex_);
    calls.assign(calls_.begin(), calls_.end());
  }
  return static_cast<int>(
      std::count_if(calls.begin(), calls.end(), [](const auto& call) { return call->GiveUp(); }));
}

void CallDriver::Remove(const std::shared_ptr<Call>& call) {
  MutexLock lock(&mutex_);
  calls_.erase(call);
  // Under the lock: whoever waits may destroy the driver as soon as he has it.
  if (calls_.empty()) idle_.NotifyAll();
}

}  // namespace auth::rpc
