#include "pool/lending.h"

#include <algorithm>

namespace auth::pool {
namespace {

// max_lifetime is shortened by up to a fifth, so that connections of one start do not end together.
constexpr int kLifetimeJitter = 5;

SlotStats DescribeSlot(const Slot& slot) {
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

}  // namespace

Lending::Lending(const PoolOptions& options, const Clock* clock, MaintenanceAlarm* alarm)
    : options_(options), clock_(clock), alarm_(alarm), slots_(options.max_connections) {}

// --- Borrowing -----------------------------------------------------------------------------------

Slot* Lending::TakeIdle() {
  Slot* const slot = slots_.TakeIdle();
  NoteBusy();
  return slot;
}

void Lending::Abandon(WaiterQueue::Handle waiter, Deferred* deferred) {
  Slot* const slot = waiter->slot;
  Leave(waiter);
  if (slot == nullptr) return;
  MakeAvailable(slot, deferred);
  BuryObsolete(clock_->Monotonic(), deferred);
}

void Lending::RefuseWaiters(const absl::Status& status, Deferred* deferred) {
  while (Waiter* const waiter = waiters_.Pop()) {
    waiter->refusal = status;
    deferred->Wake(&waiter->settled);
  }
}

std::optional<RetireReason> Lending::Lend(Slot* slot, MonotonicTime now, Deferred* deferred) {
  if (slot->generation < generation_.oldest_valid()) return StaleReason();
  slots_.SetState(slot, SlotState::kInUse);
  slot->answered = false;
  slot->borrowed = now;
  slot->leak_reported = false;
  alarm_->WakeAt(now + options_.leak_threshold, deferred);
  return std::nullopt;
}

bool Lending::Accept(Slot* slot, MonotonicTime now, Deferred* deferred) {
  if (const auto reason = Obsolete(*slot, now)) {
    StartClosing(slot, *reason, deferred);
    return false;
  }
  MakeAvailable(slot, deferred);
  return true;
}

void Lending::MakeAvailable(Slot* slot, Deferred* deferred) {
  if (Waiter* const waiter = waiters_.Pop(); waiter != nullptr) {
    slots_.SetState(slot, SlotState::kValidating);
    waiter->slot = slot;
    deferred->Wake(&waiter->settled);
  } else {
    slots_.PutIdle(slot);
    alarm_->WakeAt(IdleUntil(*slot), deferred);
  }
  NoteBusy();
}

void Lending::NoteBusy() {
  const bool busy =
      slots_.count(SlotState::kInUse) + slots_.count(SlotState::kValidating) == slots_.max();
  if (busy == busy_since_.has_value()) return;
  busy_since_ = busy ? std::optional(clock_->Monotonic()) : std::nullopt;
}

// --- Connecting ----------------------------------------------------------------------------------

Slot* Lending::TakeEmpty() {
  Slot* const slot = slots_.TakeEmpty();
  if (slot == nullptr) return nullptr;
  slot->generation = generation_.newest();
  slot->opened = {};
  return slot;
}

void Lending::OnOpened(Slot* slot, MonotonicTime now) {
  slot->opened = now;
  slot->expires = now + options_.max_lifetime -
                  jitter_.Between(Duration::zero(), options_.max_lifetime / kLifetimeJitter);
  slot->last_used = now;
  slot->suspect = false;
  slot->sweep = false;
}

// --- Closing -------------------------------------------------------------------------------------

void Lending::StartClosing(Slot* slot, RetireReason reason, Deferred* deferred) {
  slots_.SetState(slot, SlotState::kClosing);
  NoteBusy();
  deferred->Tell([reason](PoolObserver& observer) { observer.OnRetired(reason); });
}

void Lending::BuryIdle(Slot* slot, RetireReason reason, Deferred* deferred) {
  slots_.Bury(slot);
  deferred->Tell([reason](PoolObserver& observer) { observer.OnRetired(reason); });
  alarm_->WakeNow(deferred);
}

void Lending::BuryObsolete(MonotonicTime now, Deferred* deferred) {
  for (size_t i = slots_.idle().size(); i-- > 0;) {
    Slot* const slot = slots_.idle()[i];
    if (const auto reason = Obsolete(*slot, now)) BuryIdle(slot, *reason, deferred);
  }
}

std::optional<RetireReason> Lending::Obsolete(const Slot& slot, MonotonicTime now) const {
  if (draining_) return RetireReason::kDrained;
  if (slot.generation < generation_.oldest_valid()) return StaleReason();
  if (now >= slot.expires) return RetireReason::kMaxLifetime;
  return std::nullopt;
}

RetireReason Lending::StaleReason() const {
  return generation_.reason() == RecreateReason::kRequested ? RetireReason::kInvalidated
                                                            : RetireReason::kStaleGeneration;
}

void Lending::SuspectIdle(bool sweep, Deferred* deferred) {
  for (Slot* const slot : slots_.idle()) slot->suspect = true;
  if (!sweep || slots_.idle().empty()) return;
  SweepIdle();
  alarm_->WakeNow(deferred);
}

void Lending::SweepIdle() {
  for (Slot* const slot : slots_.idle()) slot->sweep = true;
}

void Lending::BeginDrain(Deferred* deferred) {
  draining_ = true;
  BuryObsolete(clock_->Monotonic(), deferred);
}

int Lending::CountStale() const {
  const auto stale = [oldest = generation_.oldest_valid()](const Slot& slot) {
    const bool exists = slot.state != SlotState::kEmpty && slot.state != SlotState::kConnecting;
    return exists && slot.generation < oldest;
  };
  return static_cast<int>(std::count_if(slots_.slots().begin(), slots_.slots().end(), stale));
}

// --- Maintenance ---------------------------------------------------------------------------------

MonotonicTime Lending::IdleUntil(const Slot& slot) const {
  return std::min(slot.last_used + options_.idle_timeout, slot.expires);
}

void Lending::ExpireIdle(MonotonicTime now, Deferred* deferred) {
  for (size_t i = slots_.idle().size(); i-- > 0;) {
    Slot* const slot = slots_.idle()[i];
    if (now < IdleUntil(*slot)) continue;
    BuryIdle(slot, now >= slot->expires ? RetireReason::kMaxLifetime : RetireReason::kIdleTimeout,
             deferred);
  }
}

void Lending::ReportLeaks(MonotonicTime now, Deferred* deferred) {
  for (Slot& slot : slots_.slots()) {
    if (slot.state != SlotState::kInUse || slot.leak_reported) continue;
    if (now - slot.borrowed < options_.leak_threshold) continue;
    slot.leak_reported = true;
    deferred->Tell([held = now - slot.borrowed](PoolObserver& observer) { observer.OnLeak(held); });
  }
}

MonotonicTime Lending::NextMaintenance() const {
  MonotonicTime next = generation_.due();
  for (const Slot& slot : slots_.slots()) {
    if (slot.state == SlotState::kIdle) next = std::min(next, IdleUntil(slot));
    if (slot.state == SlotState::kInUse && !slot.leak_reported) {
      next = std::min(next, slot.borrowed + options_.leak_threshold);
    }
  }
  return next;
}

void Lending::CutBorrowed() {
  for (Slot& slot : slots_.slots()) {
    if (slot.state == SlotState::kInUse || slot.state == SlotState::kValidating) {
      slot.connection->Cut();
    }
  }
}

void Lending::Describe(PoolStats* stats) const {
  stats->connecting = slots_.count(SlotState::kConnecting);
  stats->validating = slots_.count(SlotState::kValidating);
  stats->idle = slots_.count(SlotState::kIdle);
  stats->in_use = slots_.count(SlotState::kInUse);
  stats->resetting = slots_.count(SlotState::kClosing);
  stats->max = slots_.max();
  stats->waiters = waiters_.size();
  stats->generation = generation_.oldest_valid();
  for (const Slot& slot : slots_.slots()) {
    if (slot.state != SlotState::kEmpty) stats->slots.push_back(DescribeSlot(slot));
  }
}

}  // namespace auth::pool
