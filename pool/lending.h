#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "pool/backoff.h"
#include "pool/clock.h"
#include "pool/deferred.h"
#include "pool/generation.h"
#include "pool/maintenance_alarm.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/pool_stats.h"
#include "pool/slot_table.h"
#include "pool/waiter_queue.h"

namespace auth::pool {

// Which connection is whose, who waits for one, and which must not be lent any more. What is there
// is idle or somebody's, and nothing is idle while anybody waits.
//
// Whoever it wakes, and what it tells, is put into a Deferred; what the maintainer is to do, it is
// woken for by `alarm`, which must outlive it as `clock` must. Not thread-safe: PoolState guards it
// with its lock.
class Lending {
 public:
  Lending(const PoolOptions& options, const Clock* clock, MaintenanceAlarm* alarm);

  const SlotTable& slots() const { return slots_; }
  const WaiterQueue& waiters() const { return waiters_; }
  Generation& generation() { return generation_; }
  const Generation& generation() const { return generation_; }
  // Since when all connections exist and are lent.
  std::optional<MonotonicTime> busy_since() const { return busy_since_; }
  bool draining() const { return draining_; }

  // Borrowing.

  // A newcomer's place in the order of arrival.
  uint64_t DrawTicket() { return ++last_ticket_; }
  // An idle connection, to be validated; nullptr if there is none.
  Slot* TakeIdle();
  WaiterQueue::Handle Enter(uint64_t ticket) { return waiters_.Add(ticket); }
  void Leave(WaiterQueue::Handle waiter) { waiters_.Release(waiter); }
  // The same for one who cannot go on: what it was given goes to the next.
  void Abandon(WaiterQueue::Handle waiter, Deferred* deferred);
  void RefuseWaiters(const absl::Status& status, Deferred* deferred);
  // A validated connection is its borrower's; or why it must not be.
  std::optional<RetireReason> Lend(Slot* slot, MonotonicTime now, Deferred* deferred);
  // A live connection goes to the longest waiter, or is idle. False if it must be closed, which has
  // begun then.
  bool Accept(Slot* slot, MonotonicTime now, Deferred* deferred);

  // Connecting.

  // An empty place, for a connect that begins; nullptr if there is none.
  Slot* TakeEmpty();
  // The connect succeeded.
  void OnOpened(Slot* slot, MonotonicTime now);

  // Closing.

  // The calling thread will close it.
  void StartClosing(Slot* slot, RetireReason reason, Deferred* deferred);
  void PutEmpty(Slot* slot) { slots_.PutEmpty(slot); }
  // All that are idle are pinged before they are lent; with `sweep` the maintainer looks at each.
  void SuspectIdle(bool sweep, Deferred* deferred);
  // The maintainer looks at each that is idle.
  void SweepIdle();
  // The maintainer will close those that are idle and must not be lent.
  void BuryObsolete(MonotonicTime now, Deferred* deferred);
  // From now on that is all of them.
  void BeginDrain(Deferred* deferred);
  // How many connections were made before the pool was recreated.
  int CountStale() const;

  // Maintenance.

  Slot* TakeBuried() { return slots_.TakeBuried(); }
  Slot* TakeSweep() { return slots_.TakeSweep(); }
  void ExpireIdle(MonotonicTime now, Deferred* deferred);
  void ReportLeaks(MonotonicTime now, Deferred* deferred);
  // When one of these is to be done next.
  MonotonicTime NextMaintenance() const;
  // Cuts what is out.
  void CutBorrowed();

  void Describe(PoolStats* stats) const;

 private:
  void NoteBusy();
  void MakeAvailable(Slot* slot, Deferred* deferred);
  void BuryIdle(Slot* slot, RetireReason reason, Deferred* deferred);
  // Why a connection that is alive must not be used again, if it must not.
  std::optional<RetireReason> Obsolete(const Slot& slot, MonotonicTime now) const;
  RetireReason StaleReason() const;
  // When the maintainer closes an idle connection.
  MonotonicTime IdleUntil(const Slot& slot) const;

  const PoolOptions& options_;
  const Clock* const clock_;
  MaintenanceAlarm* const alarm_;
  SlotTable slots_;
  WaiterQueue waiters_;
  Generation generation_;
  Jitter jitter_;
  uint64_t last_ticket_ = 0;
  std::optional<MonotonicTime> busy_since_;
  bool draining_ = false;
};

}  // namespace auth::pool
