#include "pool/pool_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pool/noting_connection.h"
#include "pool/retry_after.h"

namespace auth::pool {
namespace {

constexpr MonotonicTime kNever = MonotonicTime::max();
// While the maintainer is awake it looks at everything anyway.
constexpr MonotonicTime kAwake = MonotonicTime::min();
// max_lifetime is shortened by up to a fifth, so that connections of one start do not end together.
constexpr int kLifetimeJitter = 5;
// Somebody who looks each second sees within it what has happened.
constexpr std::chrono::milliseconds kBetweenGlances(250);
constexpr std::chrono::milliseconds kWatchedAfterLook(1500);

absl::Status Refuse(Borrower* borrower, AcquireResult as, absl::Status status) {
  borrower->refused_as = as;
  return status;
}

absl::Status DeadlineError(Borrower* borrower) {
  return Refuse(
      borrower, AcquireResult::kTimeout,
      absl::DeadlineExceededError("no database connection became free before the call's deadline"));
}

DialPolicy::Answer AnswerToDial(const absl::Status& status) {
  if (status.ok()) return DialPolicy::Answer::kAccepted;
  return SqlErrorOrLost(status).fault == SqlFault::kLost ? DialPolicy::Answer::kNobody
                                                         : DialPolicy::Answer::kNotAsked;
}

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

absl::Status OutageError(Duration retry_after) {
  return UnavailableFor(retry_after, "the database cannot be reached: try again later");
}

}  // namespace

PoolState::PoolState(const PoolOptions& options, const Clock* clock, PoolObserver* observer)
    : options_(options),
      clock_(clock),
      observer_(observer),
      slots_(options.max_connections),
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
  if (clock_->Monotonic() >= borrower->deadline) return DeadlineError(borrower);
  Place place(this);
  {
    Deferred deferred(observer_);
    MutexLock lock(&mutex_);
    const bool newcomer = borrower->ticket == 0;
    if (newcomer) borrower->ticket = ++last_ticket_;
    if (Slot* const slot = slots_.TakeIdle(); slot != nullptr) {
      NoteBusy();
      return slot;
    }
    absl::Status refusal = Refusal(borrower, newcomer, &deferred);
    if (!refusal.ok()) return refusal;
    place.Enter(waiters_.Add(borrower->ticket));
    WakeConnectors(&deferred);
  }
  MutexLock lock(&mutex_);
  absl::StatusOr<Slot*> slot = WaitForSettlement(place.waiter(), borrower);
  waiters_.Release(place.Leave());
  return slot;
}

void PoolState::Abandon(WaiterQueue::Handle waiter) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  Slot* const slot = waiter->slot;
  waiters_.Release(waiter);
  if (slot == nullptr) return;
  MakeAvailable(slot, &deferred);
  BuryObsolete(clock_->Monotonic(), &deferred);
}

absl::Status PoolState::Refusal(Borrower* borrower, bool newcomer, Deferred* deferred) {
  if (draining_) {
    return Refuse(borrower, AcquireResult::kShutDown,
                  absl::CancelledError("the connection pool is shutting down"));
  }
  if (!policy_.configuration_failure().ok() || policy_.refusing()) {
    policy_.RequestProbe();
    WakeConnectors(deferred);
    return Refuse(borrower, AcquireResult::kUnavailable,
                  policy_.configuration_failure().ok()
                      ? OutageError(policy_.RetryAfter(clock_->Monotonic()))
                      : policy_.configuration_failure());
  }
  if (newcomer && waiters_.size() >= options_.max_waiters) {
    return Refuse(borrower, AcquireResult::kRejected,
                  absl::ResourceExhaustedError(absl::StrCat(
                      waiters_.size(), " calls wait for a database connection: try again later")));
  }
  return absl::OkStatus();
}

absl::StatusOr<Slot*> PoolState::WaitForSettlement(WaiterQueue::Handle waiter, Borrower* borrower) {
  while (!waiter->is_settled()) {
    const MonotonicTime now = clock_->Monotonic();
    if (now >= borrower->deadline) return DeadlineError(borrower);
    MonotonicTime wake = borrower->deadline;
    if (options_.acquire_timeout.has_value()) {
      // While the pool is not busy the limit moves on; it is looked at again each time.
      const MonotonicTime waiting_since = std::max(borrower->begin, busy_since_.value_or(now));
      const MonotonicTime limit = waiting_since + *options_.acquire_timeout;
      if (now >= limit) {
        return Refuse(borrower, AcquireResult::kTimeout,
                      UnavailableFor(*options_.acquire_timeout,
                                     "all database connections are busy: try again later"));
      }
      wake = std::min(wake, limit);
    }
    clock_->WaitUntil(wake, &waiter->settled, &mutex_);
  }
  if (waiter->slot != nullptr) return waiter->slot;
  return Refuse(
      borrower,
      absl::IsCancelled(waiter->refusal) ? AcquireResult::kShutDown : AcquireResult::kUnavailable,
      waiter->refusal);
}

std::optional<RetireReason> PoolState::Lend(Slot* slot, bool pinged) {
  const MonotonicTime now = clock_->Monotonic();
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (pinged) NoteAnswer(*slot, now, &deferred);
  if (slot->generation < generation_.oldest_valid()) return StaleReason();
  slots_.SetState(slot, SlotState::kInUse);
  slot->answered = false;
  slot->borrowed = now;
  slot->leak_reported = false;
  WakeMaintainerAt(now + options_.leak_threshold, &deferred);
  return std::nullopt;
}

bool PoolState::Return(Slot* slot) {
  const MonotonicTime now = clock_->Monotonic();
  slot->last_used = now;
  slot->suspect = false;
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (slot->answered) NoteAnswer(*slot, now, &deferred);
  if (const auto reason = Obsolete(*slot, now); reason.has_value()) {
    StartClosing(slot, *reason, &deferred);
    return false;
  }
  MakeAvailable(slot, &deferred);
  return true;
}

void PoolState::Retire(Slot* slot, const Retirement& retirement) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  StartClosing(slot, retirement.reason, &deferred);
  if (retirement.failure.has_value()) Learn(*retirement.failure, slot->generation, &deferred);
}

void PoolState::OnClosed(Slot* slot) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  slots_.PutEmpty(slot);
  if (slots_.total() == 0) deferred.Wake(&emptied_);
  WakeConnectors(&deferred);
}

void PoolState::RefuseWaiters(const absl::Status& status, Deferred* deferred) {
  while (Waiter* const waiter = waiters_.Pop()) {
    waiter->refusal = status;
    deferred->Wake(&waiter->settled);
  }
}

void PoolState::NoteBusy() {
  const bool busy =
      slots_.count(SlotState::kInUse) + slots_.count(SlotState::kValidating) == slots_.max();
  if (busy == busy_since_.has_value()) return;
  busy_since_ = busy ? std::optional(clock_->Monotonic()) : std::nullopt;
}

// --- Slots ---------------------------------------------------------------------------------------

void PoolState::MakeAvailable(Slot* slot, Deferred* deferred) {
  if (Waiter* const waiter = waiters_.Pop(); waiter != nullptr) {
    slots_.SetState(slot, SlotState::kValidating);
    waiter->slot = slot;
    deferred->Wake(&waiter->settled);
  } else {
    slots_.PutIdle(slot);
    WakeMaintainerAt(IdleUntil(*slot), deferred);
  }
  NoteBusy();
}

void PoolState::StartClosing(Slot* slot, RetireReason reason, Deferred* deferred) {
  slots_.SetState(slot, SlotState::kClosing);
  NoteBusy();
  deferred->Tell([reason](PoolObserver& observer) { observer.OnRetired(reason); });
}

void PoolState::BuryIdle(Slot* slot, RetireReason reason, Deferred* deferred) {
  slots_.Bury(slot);
  deferred->Tell([reason](PoolObserver& observer) { observer.OnRetired(reason); });
  WakeMaintainerAt(kAwake, deferred);
}

void PoolState::BuryObsolete(MonotonicTime now, Deferred* deferred) {
  for (size_t i = slots_.idle().size(); i-- > 0;) {
    Slot* const slot = slots_.idle()[i];
    if (const auto reason = Obsolete(*slot, now)) BuryIdle(slot, *reason, deferred);
  }
}

std::optional<RetireReason> PoolState::Obsolete(const Slot& slot, MonotonicTime now) const {
  if (draining_) return RetireReason::kDrained;
  if (slot.generation < generation_.oldest_valid()) return StaleReason();
  if (now >= slot.expires) return RetireReason::kMaxLifetime;
  return std::nullopt;
}

RetireReason PoolState::StaleReason() const {
  return generation_.reason() == RecreateReason::kRequested ? RetireReason::kInvalidated
                                                            : RetireReason::kStaleGeneration;
}

// --- Faults --------------------------------------------------------------------------------------

void PoolState::Learn(const SqlError& failure, int64_t generation, Deferred* deferred) {
  const MonotonicTime now = clock_->Monotonic();
  // What was made before the pool was recreated says nothing of what was made since.
  if (!generation_.Tells(generation)) return reachability_.OnFault(failure);
  if (failure.fault == SqlFault::kLost && !IsIdleClose(failure.sqlstate)) {
    NoteSilence(failure, now, deferred);
  } else {
    reachability_.OnFault(failure);
  }
  switch (failure.fault) {
    case SqlFault::kLost:
      SuspectIdle(/*sweep=*/true, deferred);
      FollowGeneration(generation_.OnLoss(failure.sqlstate, now), deferred);
      break;
    case SqlFault::kReadOnlyServer:
      policy_.OnReadOnlyServer(now);
      FollowGeneration(generation_.Request(RecreateReason::kReadOnly, now), deferred);
      break;
    case SqlFault::kDeadline:
      SuspectIdle(/*sweep=*/false, deferred);
      break;
    default:
      break;
  }
}

void PoolState::NoteAnswer(const Slot& slot, MonotonicTime now, Deferred* deferred) {
  // As in Learn.
  if (!generation_.Tells(slot.generation)) return;
  policy_.OnAnswer();
  generation_.OnAnswer();
  dial_.OnAnswer();
  if (reachability_.OnAnswer(now)) TellReachability(deferred);
}

void PoolState::NoteSilence(const SqlError& error, MonotonicTime now, Deferred* deferred) {
  if (reachability_.OnSilence(error, now)) TellReachability(deferred);
}

void PoolState::TellReachability(Deferred* deferred) {
  deferred->Tell([](PoolObserver& observer) { observer.OnReachabilityChanged(); });
}

void PoolState::SuspectIdle(bool sweep, Deferred* deferred) {
  for (Slot* const slot : slots_.idle()) {
    slot->suspect = true;
    slot->sweep = slot->sweep || sweep;
  }
  if (sweep && !slots_.idle().empty()) WakeMaintainerAt(kAwake, deferred);
}

void PoolState::FollowGeneration(bool raised, Deferred* deferred) {
  if (!raised) {
    WakeMaintainerAt(generation_.due(), deferred);
    return;
  }
  const MonotonicTime now = clock_->Monotonic();
  const RecreateReason reason = generation_.reason();
  deferred->Tell([reason, generation = generation_.oldest_valid()](PoolObserver& observer) {
    observer.OnRecreated(reason, generation);
  });
  if (EndsConnections(reason)) policy_.OnRecreated(now, CountStale());
  BuryObsolete(now, deferred);
}

int PoolState::CountStale() const {
  const auto stale = [oldest = generation_.oldest_valid()](const Slot& slot) {
    const bool exists = slot.state != SlotState::kEmpty && slot.state != SlotState::kConnecting;
    return exists && slot.generation < oldest;
  };
  return static_cast<int>(std::count_if(slots_.slots().begin(), slots_.slots().end(), stale));
}

void PoolState::Recreate() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  generation_.Raise(RecreateReason::kRequested, clock_->Monotonic());
  FollowGeneration(/*raised=*/true, &deferred);
}

void PoolState::LookAtIdle() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  const MonotonicTime now = clock_->Monotonic();
  watched_until_ = now + kWatchedAfterLook;
  WakeMaintainerAt(next_glance_ <= now ? kAwake : next_glance_, &deferred);
}

void PoolState::GlanceIfDue(MonotonicTime now, Deferred* deferred) {
  if (now < next_glance_) return;
  if (now >= watched_until_) {
    watched_until_ = {};  // so that no glance is due
    return;
  }
  next_glance_ = now + kBetweenGlances;
  for (Slot* const slot : slots_.idle()) slot->sweep = true;
  if (reachability_.silent()) dial_.OnLooked(now);
  WakeConnectors(deferred);
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
      Slot* const slot = slots_.TakeEmpty();
      slot->generation = generation_.newest();
      slot->opened = {};
      if (policy_.OnStarted(now)) TellBreaker(&deferred);
      WakeConnectors(&deferred);
      return {.connect = slot, .dial = false};
    }
    const MonotonicTime next_dial = NextDial();
    if (next_dial <= now) {
      dial_.OnStarted(now);
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
  generation_.OnAnswer();
  NoteAnswer(*slot, now, &deferred);
  slot->connection = std::move(noting);
  slot->opened = now;
  slot->expires = now + options_.max_lifetime -
                  jitter_.Between(Duration::zero(), options_.max_lifetime / kLifetimeJitter);
  slot->last_used = now;
  slot->suspect = false;
  slot->sweep = false;
  const std::optional<RetireReason> reason = Obsolete(*slot, now);
  if (reason.has_value()) {
    StartClosing(slot, *reason, &deferred);
  } else {
    MakeAvailable(slot, &deferred);
  }
  WakeConnectors(&deferred);
  return !reason.has_value();
}

void PoolState::OnConnectFailed(Slot* slot, const absl::Status& status, MonotonicTime started) {
  const MonotonicTime now = clock_->Monotonic();
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  slots_.PutEmpty(slot);
  if (slots_.total() == 0) deferred.Wake(&emptied_);
  if (draining_) return;
  const SqlError error = SqlErrorOrLost(status);
  const ConnectFailure failure = policy_.OnFailure(started, now, status, slots_.open());
  if (failure.silent) {
    NoteSilence(error, now, &deferred);
  } else {
    reachability_.OnFault(error);  // those that are open still serve
  }
  deferred.Tell([attempt = failure.attempt, most = options_.max_retries, status](
                    PoolObserver& observer) { observer.OnConnectFailed(attempt, most, status); });
  if (failure.breaker_opened) TellBreaker(&deferred);
  if (!policy_.configuration_failure().ok() || policy_.refusing()) {
    if (!waiters_.empty()) policy_.RequestProbe();
    RefuseWaiters(policy_.configuration_failure().ok() ? OutageError(policy_.RetryAfter(now))
                                                       : policy_.configuration_failure(),
                  &deferred);
  }
  if (failure.recreate) {
    FollowGeneration(generation_.Request(RecreateReason::kConnectFailures, now), &deferred);
  }
  if (const MonotonicTime next = NextConnect(); next != kNever) {
    deferred.Tell(
        [delay = next - now](PoolObserver& observer) { observer.OnRetryScheduled(delay); });
  }
  WakeConnectors(&deferred);
}

void PoolState::OnDialed(const absl::Status& status) {
  const MonotonicTime now = clock_->Monotonic();
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  if (draining_) return;
  switch (dial_.OnDialed(AnswerToDial(status), now)) {
    case DialPolicy::Finding::kNothing:
      break;
    case DialPolicy::Finding::kNobodyListens:
      NoteSilence(SqlErrorOrLost(status), now, &deferred);
      break;
    case DialPolicy::Finding::kBack:
      if (reachability_.OnAnswer(now)) TellReachability(&deferred);
      break;
  }
  WakeConnectors(&deferred);
}

MonotonicTime PoolState::NextDial() const {
  const bool connects = !waiters_.empty() || slots_.count(SlotState::kConnecting) > 0;
  return draining_ || connects ? kNever : dial_.due();
}

ConnectDemand PoolState::Demand() const {
  ConnectDemand demand;
  demand.waiters = waiters_.size();
  demand.connecting = slots_.count(SlotState::kConnecting);
  demand.lent = slots_.count(SlotState::kInUse) + slots_.count(SlotState::kValidating);
  return demand;
}

MonotonicTime PoolState::NextConnect() const {
  if (draining_ || slots_.count(SlotState::kEmpty) == 0) return kNever;
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
    maintenance_at_ = kAwake;
    // Leaves the lock to wake whom there is to wake, and to tell what there is to tell.
    while (deferred.empty()) {
      if (stopping_) return {};
      const MonotonicTime now = clock_->Monotonic();
      if (generation_.RaiseIfDue(now)) FollowGeneration(/*raised=*/true, &deferred);
      ExpireIdle(now, &deferred);
      ReportLeaks(now, &deferred);
      GlanceIfDue(now, &deferred);
      if (Slot* const slot = slots_.TakeBuried(); slot != nullptr) return {slot, nullptr};
      if (Slot* const slot = slots_.TakeSweep(); slot != nullptr) return {nullptr, slot};
      if (!deferred.empty()) break;
      maintenance_at_ = NextMaintenance();
      clock_->WaitUntil(maintenance_at_, &maintenance_wanted_, &mutex_);
      maintenance_at_ = kAwake;
    }
  }
}

bool PoolState::OnSwept(Slot* slot, SocketState socket) {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  const MonotonicTime now = clock_->Monotonic();
  std::optional<RetireReason> reason = Obsolete(*slot, now);
  if (socket == SocketState::kDead) {
    reason = RetireReason::kClosedByServer;
    if (now < watched_until_) dial_.OnIdleClosed(now);
  }
  if (reason.has_value()) {
    StartClosing(slot, *reason, &deferred);
    WakeConnectors(&deferred);
    return false;
  }
  MakeAvailable(slot, &deferred);
  return true;
}

void PoolState::WakeMaintainerAt(MonotonicTime when, Deferred* deferred) {
  if (when >= maintenance_at_) return;
  maintenance_at_ = when;
  deferred->Wake(&maintenance_wanted_);
}

MonotonicTime PoolState::IdleUntil(const Slot& slot) const {
  return std::min(slot.last_used + options_.idle_timeout, slot.expires);
}

void PoolState::ExpireIdle(MonotonicTime now, Deferred* deferred) {
  for (size_t i = slots_.idle().size(); i-- > 0;) {
    Slot* const slot = slots_.idle()[i];
    if (now < IdleUntil(*slot)) continue;
    BuryIdle(slot, now >= slot->expires ? RetireReason::kMaxLifetime : RetireReason::kIdleTimeout,
             deferred);
  }
}

void PoolState::ReportLeaks(MonotonicTime now, Deferred* deferred) {
  for (Slot& slot : slots_.slots()) {
    if (slot.state != SlotState::kInUse || slot.leak_reported) continue;
    if (now - slot.borrowed < options_.leak_threshold) continue;
    slot.leak_reported = true;
    deferred->Tell([held = now - slot.borrowed](PoolObserver& observer) { observer.OnLeak(held); });
  }
}

MonotonicTime PoolState::NextMaintenance() {
  MonotonicTime next = generation_.due();
  if (next_glance_ < watched_until_) next = std::min(next, next_glance_);
  for (const Slot& slot : slots_.slots()) {
    if (slot.state == SlotState::kIdle) next = std::min(next, IdleUntil(slot));
    if (slot.state == SlotState::kInUse && !slot.leak_reported) {
      next = std::min(next, slot.borrowed + options_.leak_threshold);
    }
  }
  return next;
}

// --- The whole pool ------------------------------------------------------------------------------

SlotStats PoolState::Describe(const Slot& slot) {
  // What the thread that has the slot may be writing is not read: only the lock's own fields.
  const bool idle = slot.state == SlotState::kIdle;
  const bool in_use = slot.state == SlotState::kInUse;
  return {.state = Name(slot.state),
          .generation = slot.generation,
          .opened = slot.opened,
          .expires = slot.opened == MonotonicTime{} ? MonotonicTime{} : slot.expires,
          .since = idle     ? slot.last_used
                   : in_use ? slot.borrowed
                            : MonotonicTime{}};
}

PoolStats PoolState::Stats() const {
  PoolStats stats;
  stats.slots.reserve(static_cast<size_t>(options_.max_connections));
  MutexLock lock(&mutex_);
  stats.connecting = slots_.count(SlotState::kConnecting);
  stats.validating = slots_.count(SlotState::kValidating);
  stats.idle = slots_.count(SlotState::kIdle);
  stats.in_use = slots_.count(SlotState::kInUse);
  stats.resetting = slots_.count(SlotState::kClosing);
  stats.max = slots_.max();
  stats.waiters = waiters_.size();
  stats.generation = generation_.oldest_valid();
  stats.breaker = policy_.breaker();
  reachability_.Describe(&stats);
  for (const Slot& slot : slots_.slots()) {
    if (slot.state != SlotState::kEmpty) stats.slots.push_back(Describe(slot));
  }
  return stats;
}

void PoolState::BeginDrain() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  draining_ = true;
  RefuseWaiters(absl::CancelledError("the connection pool is shutting down"), &deferred);
  BuryObsolete(clock_->Monotonic(), &deferred);
}

bool PoolState::AwaitEmpty(MonotonicTime deadline) {
  MutexLock lock(&mutex_);
  while (slots_.total() > 0) {
    if (clock_->Monotonic() >= deadline) return false;
    clock_->WaitUntil(deadline, &emptied_, &mutex_);
  }
  return true;
}

void PoolState::CutBorrowed() {
  MutexLock lock(&mutex_);
  // A syscall under the lock, which shutdown(2) may be: it does not wait, and the process ends.
  for (Slot& slot : slots_.slots()) {
    if (slot.state == SlotState::kInUse || slot.state == SlotState::kValidating) {
      slot.connection->Cut();
    }
  }
}

void PoolState::Stop() {
  Deferred deferred(observer_);
  MutexLock lock(&mutex_);
  stopping_ = true;
  deferred.Wake(&connect_wanted_);
  deferred.Wake(&maintenance_wanted_);
}

}  // namespace auth::pool
