#include "pool/pool_state.h"

#include <algorithm>
#include <utility>

#include "pool/noting_connection.h"

namespace auth::pool {
namespace {

// Whether the pool is recreated because its connections end together, which is seldom the fate of
// one server alone.
bool EndsConnections(RecreateReason reason) {
  switch (reason) {
    case RecreateReason::kServerShutdown:
    case RecreateReason::kRepeatedLoss:
    case RecreateReason::kReadOnly:
      return true;
    case RecreateReason::kConnectFailures:
    case RecreateReason::kRequested:
      return false;
  }
  return false;
}

}  // namespace

PoolState::PoolState(const PoolOptions& options, const Clock* clock, PoolObserver* observer)
    : options_(options),
      clock_(clock),
      observer_(observer),
      lending_(options_, clock, &alarm_),
      policy_(options) {}

// --- Borrowing -----------------------------------------------------------------------------------

// A caller's place among the waiters, who must not be left there if the caller is thrown out of
// AwaitSlot: no memory left, perhaps. Destroy it without the lock.
class PoolState::Place {
 public:
  explicit Place(PoolState* state) : state_(state) {}
  ~Place() {
    if (waiter_.has_value()) state_->Abandon(*waiter_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void Enter(WaiterQueue::Handle waiter) { waiter_ = waiter; }
  WaiterQueue::Handle Leave() { return *std::exchange(waiter_, std::nullopt); }
  WaiterQueue::Handle waiter() const { return *waiter_; }

 private:
  PoolState* const state_;
  std::optional<WaiterQueue::Handle> waiter_;
};

absl::StatusOr<Slot*> PoolState::AwaitSlot(Borrower* borrower) {
  if (clock_->Monotonic() >= borrower->deadline) return RefuseAtDeadline(borrower);
  Place place(this);
  {
    Deferred deferred(observer_);
    MutexLock lock(&mutex_);
    const bool newcomer = borrower->ticket == 0;
    if (newcomer) borrower->ticket = lending_.DrawTicket();
    if (Slot* const slot = lending_.TakeIdle(); slot != nullptr) return slot;
    absl::Status refusal = Refusal(borrower, newcomer, &deferred);
    if (!refusal.ok()) return refusal;
    place.Enter(lending_.Enter(borrower->ticket));
    WakeConnectors(&deferred);
  }
  MutexLock lock(&mutex_);
  absl::StatusOr<Slot*> slot = WaitForSettlement(place.waiter(), borrower);
  lending_.Leave(place.Leave());
  return slot;
}

absl::Status PoolState::Refusal(Borrower* borrower, bool newcomer, Deferred* deferred) {
  if (lending_.draining()) return RefuseBecause(borrower, ShutDownError());
  if (const absl::Status outage = Outage(); !outage.ok()) {
    policy_.RequestProbe();
    WakeConnectors(deferred);
    return RefuseBecause(borrower, outage);
  }
  const int waiters = lending_.waiters().size();
  if (newcomer && waiters >= options_.max_waiters) return RefuseCrowd(borrower, waiters);
  return absl::OkStatus();
}

void PoolState::Abandon(WaiterQueue::Handle waiter) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  lending_.Abandon(waiter, &deferred);
}

absl::StatusOr<Slot*> PoolState::WaitForSettlement(WaiterQueue::Handle waiter, Borrower* borrower) {
  while (!waiter->is_settled()) {
    const MonotonicTime now = clock_->Monotonic();
    if (now >= borrower->deadline) return RefuseAtDeadline(borrower);
    MonotonicTime wake = borrower->deadline;
    if (options_.acquire_timeout.has_value()) {
      // While the pool is not busy the limit moves on; it is looked at again each time.
      const MonotonicTime busy_since = lending_.busy_since().value_or(now);
      const MonotonicTime limit = std::max(borrower->begin, busy_since) + *options_.acquire_timeout;
      if (now >= limit) return RefuseBusy(borrower, *options_.acquire_timeout);
      wake = std::min(wake, limit);
    }
    clock_->WaitUntil(wake, &waiter->settled, &mutex_);
  }
  if (waiter->slot != nullptr) return waiter->slot;
  return RefuseBecause(borrower, waiter->refusal);
}

std::optional<RetireReason> PoolState::Lend(Slot* slot, bool pinged) {
  const MonotonicTime now = clock_->Monotonic();
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (pinged) NoteAnswer(*slot, now, &deferred);
  return lending_.Lend(slot, now, &deferred);
}

bool PoolState::Return(Slot* slot) {
  const MonotonicTime now = clock_->Monotonic();
  slot->last_used = now;
  slot->suspect = false;
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (slot->answered) NoteAnswer(*slot, now, &deferred);
  return lending_.Accept(slot, now, &deferred);
}

void PoolState::Retire(Slot* slot, const Retirement& retirement) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  lending_.StartClosing(slot, retirement.reason, &deferred);
  if (retirement.failure.has_value()) Learn(*retirement.failure, slot->generation, &deferred);
}

void PoolState::OnClosed(Slot* slot) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  PutEmpty(slot, &deferred);
  WakeConnectors(&deferred);
}

void PoolState::PutEmpty(Slot* slot, Deferred* deferred) {
  lending_.PutEmpty(slot);
  if (lending_.slots().total() == 0) deferred->Wake(&emptied_);
}

// --- Faults --------------------------------------------------------------------------------------

void PoolState::Learn(const SqlError& failure, int64_t generation, Deferred* deferred) {
  const MonotonicTime now = clock_->Monotonic();
  // What was made before the pool was recreated says nothing of what was made since.
  if (!lending_.generation().Tells(generation)) return watch_.OnFault(failure);
  if (failure.fault == SqlFault::kLost && !IsIdleClose(failure.sqlstate)) {
    TellIf(watch_.OnSilence(failure, now), deferred);
  } else {
    watch_.OnFault(failure);
  }
  switch (failure.fault) {
    case SqlFault::kLost:
      lending_.SuspectIdle(/*sweep=*/true, deferred);
      FollowGeneration(lending_.generation().OnLoss(failure.sqlstate, now), deferred);
      break;
    case SqlFault::kReadOnlyServer:
      policy_.OnReadOnlyServer(now);
      FollowGeneration(lending_.generation().Request(RecreateReason::kReadOnly, now), deferred);
      break;
    case SqlFault::kDeadline:
      lending_.SuspectIdle(/*sweep=*/false, deferred);
      break;
    default:
      break;
  }
}

void PoolState::NoteAnswer(const Slot& slot, MonotonicTime now, Deferred* deferred) {
  // As in Learn.
  if (!lending_.generation().Tells(slot.generation)) return;
  policy_.OnAnswer();
  lending_.generation().OnAnswer();
  TellIf(watch_.OnAnswer(now), deferred);
}

void PoolState::TellIf(bool reachability_changed, Deferred* deferred) {
  if (!reachability_changed) return;
  deferred->Tell([](PoolObserver& observer) { observer.OnReachabilityChanged(); });
}

void PoolState::FollowGeneration(bool raised, Deferred* deferred) {
  const Generation& generation = lending_.generation();
  if (!raised) return alarm_.WakeAt(generation.due(), deferred);
  const MonotonicTime now = clock_->Monotonic();
  const RecreateReason reason = generation.reason();
  deferred->Tell([reason, oldest = generation.oldest_valid()](PoolObserver& observer) {
    observer.OnRecreated(reason, oldest);
  });
  if (EndsConnections(reason)) policy_.OnRecreated(now, lending_.CountStale());
  lending_.BuryObsolete(now, deferred);
}

void PoolState::Recreate() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  lending_.generation().Raise(RecreateReason::kRequested, clock_->Monotonic());
  FollowGeneration(/*raised=*/true, &deferred);
}

// --- Connecting ----------------------------------------------------------------------------------

void PoolState::RequestInitial(int count) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  policy_.RequestInitial(count);
  WakeConnectors(&deferred);
}

ConnectTask PoolState::AwaitConnect() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  while (!stopping_) {
    const MonotonicTime now = clock_->Monotonic();
    const MonotonicTime next_connect = NextConnect();
    if (next_connect <= now) {
      Slot* const slot = lending_.TakeEmpty();
      if (policy_.OnStarted(now)) TellBreaker(&deferred);
      WakeConnectors(&deferred);
      return {.connect = slot, .dial = false};
    }
    const MonotonicTime next_dial = NextDial();
    if (next_dial <= now) {
      watch_.OnDialStarted(now);
      return {.connect = nullptr, .dial = true};
    }
    clock_->WaitUntil(std::min(next_connect, next_dial), &connect_wanted_, &mutex_);
  }
  return {};
}

bool PoolState::OnConnected(Slot* slot, std::unique_ptr<Connection> connection,
                            MonotonicTime started) {
  const MonotonicTime now = clock_->Monotonic();
  auto noting = std::make_unique<NotingConnection>(std::move(connection), &slot->answered);
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  deferred.Tell([took = now - started](PoolObserver& observer) { observer.OnConnected(took); });
  if (policy_.OnSuccess()) TellBreaker(&deferred);
  lending_.generation().OnAnswer();
  NoteAnswer(*slot, now, &deferred);
  slot->connection = std::move(noting);
  lending_.OnOpened(slot, now);
  const bool accepted = lending_.Accept(slot, now, &deferred);
  WakeConnectors(&deferred);
  return accepted;
}

void PoolState::OnConnectFailed(Slot* slot, const absl::Status& status, MonotonicTime started) {
  const MonotonicTime now = clock_->Monotonic();
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  PutEmpty(slot, &deferred);
  if (lending_.draining()) return;
  const SqlError error = SqlErrorOrLost(status);
  const ConnectFailure failure = policy_.OnFailure(started, now, status, lending_.slots().open());
  if (failure.silent) {
    TellIf(watch_.OnSilence(error, now), &deferred);
  } else {
    watch_.OnFault(error);  // those that are open still serve
  }
  deferred.Tell([attempt = failure.attempt, most = options_.max_retries, status](
                    PoolObserver& observer) { observer.OnConnectFailed(attempt, most, status); });
  if (failure.breaker_opened) TellBreaker(&deferred);
  if (const absl::Status outage = Outage(); !outage.ok()) {
    if (!lending_.waiters().empty()) policy_.RequestProbe();
    lending_.RefuseWaiters(outage, &deferred);
  }
  if (failure.recreate) {
    FollowGeneration(lending_.generation().Request(RecreateReason::kConnectFailures, now),
                     &deferred);
  }
  if (const MonotonicTime next = NextConnect(); next != kNever) {
    deferred.Tell(
        [delay = next - now](PoolObserver& observer) { observer.OnRetryScheduled(delay); });
  }
  WakeConnectors(&deferred);
}

void PoolState::OnDialed(const absl::Status& status) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (lending_.draining()) return;
  TellIf(watch_.OnDialed(status, clock_->Monotonic()), &deferred);
  WakeConnectors(&deferred);
}

absl::Status PoolState::Outage() const {
  if (!policy_.configuration_failure().ok()) return policy_.configuration_failure();
  if (!policy_.refusing()) return absl::OkStatus();
  return OutageError(policy_.RetryAfter(clock_->Monotonic()));
}

MonotonicTime PoolState::NextDial() const {
  const bool connects =
      !lending_.waiters().empty() || lending_.slots().count(SlotState::kConnecting) > 0;
  return lending_.draining() || connects ? kNever : watch_.next_dial();
}

ConnectDemand PoolState::Demand() const {
  const SlotTable& slots = lending_.slots();
  ConnectDemand demand;
  demand.waiters = lending_.waiters().size();
  demand.connecting = slots.count(SlotState::kConnecting);
  demand.lent = slots.count(SlotState::kInUse) + slots.count(SlotState::kValidating);
  return demand;
}

MonotonicTime PoolState::NextConnect() const {
  if (lending_.draining() || lending_.slots().count(SlotState::kEmpty) == 0) return kNever;
  return policy_.NextConnect(Demand());
}

void PoolState::WakeConnectors(Deferred* deferred) {
  if (NextConnect() != kNever || NextDial() != kNever) deferred->Wake(&connect_wanted_);
}

void PoolState::TellBreaker(Deferred* deferred) {
  deferred->Tell(
      [state = policy_.breaker()](PoolObserver& observer) { observer.OnBreaker(state); });
}

// --- Maintenance ---------------------------------------------------------------------------------

Maintenance PoolState::AwaitMaintenance() {
  while (true) {
    Deferred deferred(observer_);
    MutexLock lock(&mutex_);
    // Leaves the lock to wake whom there is to wake, and to tell what there is to tell.
    while (deferred.empty()) {
      if (stopping_) return {};
      const MonotonicTime now = clock_->Monotonic();
      if (lending_.generation().RaiseIfDue(now)) FollowGeneration(/*raised=*/true, &deferred);
      lending_.ExpireIdle(now, &deferred);
      lending_.ReportLeaks(now, &deferred);
      if (watch_.GlanceIfDue(now)) {
        lending_.SweepIdle();
        WakeConnectors(&deferred);
      }
      if (Slot* const slot = lending_.TakeBuried(); slot != nullptr) return {slot, nullptr};
      if (Slot* const slot = lending_.TakeSweep(); slot != nullptr) return {nullptr, slot};
      if (!deferred.empty()) break;
      alarm_.Sleep(std::min(lending_.NextMaintenance(), watch_.next_glance()), clock_, &mutex_);
    }
  }
}

bool PoolState::OnSwept(Slot* slot, SocketState socket) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  const MonotonicTime now = clock_->Monotonic();
  if (socket != SocketState::kDead && lending_.Accept(slot, now, &deferred)) return true;
  if (socket == SocketState::kDead) {
    watch_.OnIdleClosed(now);
    lending_.StartClosing(slot, RetireReason::kClosedByServer, &deferred);
  }
  WakeConnectors(&deferred);
  return false;
}

void PoolState::LookAtIdle() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  alarm_.WakeAt(watch_.OnLook(clock_->Monotonic()), &deferred);
}

// --- The whole pool ------------------------------------------------------------------------------

PoolStats PoolState::Stats() const {
  PoolStats stats;
  stats.slots.reserve(static_cast<size_t>(options_.max_connections));
  MutexLock lock(&mutex_);
  lending_.Describe(&stats);
  stats.breaker = policy_.breaker();
  watch_.Describe(&stats);
  return stats;
}

void PoolState::BeginDrain() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  lending_.BeginDrain(&deferred);
  lending_.RefuseWaiters(ShutDownError(), &deferred);
}

bool PoolState::AwaitEmpty(MonotonicTime deadline) {
  MutexLock lock(&mutex_);
  while (lending_.slots().total() > 0) {
    if (clock_->Monotonic() >= deadline) return false;
    clock_->WaitUntil(deadline, &emptied_, &mutex_);
  }
  return true;
}

void PoolState::CutBorrowed() {
  MutexLock lock(&mutex_);
  // A syscall under the lock, which shutdown(2) may be: it does not wait, and the process ends.
  lending_.CutBorrowed();
}

void PoolState::Stop() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  stopping_ = true;
  deferred.Wake(&connect_wanted_);
  alarm_.WakeNow(&deferred);
}

}  // namespace auth::pool
