#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/backoff.h"
#include "pool/clock.h"
#include "pool/connect_policy.h"
#include "pool/connection.h"
#include "pool/deferred.h"
#include "pool/dial_policy.h"
#include "pool/generation.h"
#include "pool/mutex.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/pool_stats.h"
#include "pool/reachability.h"
#include "pool/retirement.h"
#include "pool/slot_table.h"
#include "pool/sql_error.h"
#include "pool/waiter_queue.h"

namespace auth::pool {

// One call of ConnectionPool::Acquire.
struct Borrower {
  MonotonicTime begin{};
  MonotonicTime deadline{};
  // The place in the order of arrival; kept when a connection turns out dead. 0: not drawn yet.
  uint64_t ticket = 0;
  // Why AwaitSlot answered no slot.
  AcquireResult refused_as = AcquireResult::kOk;
};

// The next thing for the maintainer to do, without the lock. Neither: the pool stops.
struct Maintenance {
  // To be closed: destroy its connection, then OnClosed.
  Slot* close = nullptr;
  // To be peeked at, then OnSwept.
  Slot* sweep = nullptr;
};

// The next thing for a connector to do, without the lock. Neither: the pool stops.
struct ConnectTask {
  // To be connected, then OnConnected or OnConnectFailed.
  Slot* connect = nullptr;
  // To be dialled, then OnDialed.
  bool dial = false;
};

// The pool's one mutex and all that it guards: which slot is whose, who waits, what the rules
// (ConnectPolicy, Generation, Reachability) say. Every state change of the pool is a method here.
//
// It does no I/O: callers, connectors and the maintainer take a slot, do their I/O on it without
// the lock, and report what came of it. The observer is told after the lock (Deferred). Two rules
// always hold: there are never more than max_connections slots that are not empty, and nothing is
// idle while anybody waits. It is one class, and a long one, because this is all the code that runs
// under the lock.
//
// Thread-safe.
class PoolState {
 public:
  PoolState(const PoolOptions& options, const Clock* clock, PoolObserver* observer);

  // Borrowing: AwaitSlot, then validate, then Lend or Retire.

  // Takes an idle connection, or waits for one in the order of tickets. The errors are those of
  // ConnectionPool::Acquire.
  absl::StatusOr<Slot*> AwaitSlot(Borrower* borrower);
  // The connection was validated and is the borrower's; or why it is obsolete by now: retire it.
  std::optional<RetireReason> Lend(Slot* slot, bool pinged);
  // The connection came back, and its borrower has nothing against it. False if it must be closed:
  // destroy it, then OnClosed.
  bool Return(Slot* slot);
  // Takes a connection out of service, and learns from its failure. The caller destroys it, then
  // calls OnClosed.
  void Retire(Slot* slot, const Retirement& retirement);
  // The slot's connection is destroyed.
  void OnClosed(Slot* slot);

  // Connecting.

  void RequestInitial(int count);
  // Waits until a connect or a dial is wanted and due.
  ConnectTask AwaitConnect();
  // False if the connection came too late to be used: destroy it, then OnClosed.
  bool OnConnected(Slot* slot, std::unique_ptr<Connection> connection, MonotonicTime started);
  void OnConnectFailed(Slot* slot, const absl::Status& status, MonotonicTime started);

  void OnDialed(const absl::Status& status);

  // Maintenance.

  // Waits until there is something to do.
  Maintenance AwaitMaintenance();
  // False if it must be closed: destroy it, then OnClosed.
  bool OnSwept(Slot* slot, SocketState socket);

  // The whole pool.

  void Recreate();
  void LookAtIdle();
  PoolStats Stats() const;
  // Refuses every caller from now on and closes what is idle.
  void BeginDrain();
  // False if `deadline` passed before the last connection was closed.
  bool AwaitEmpty(MonotonicTime deadline);
  // Cuts what is out: whoever holds it finds it lost.
  void CutBorrowed();
  // Ends AwaitConnect and AwaitMaintenance.
  void Stop();

 private:
  // Why a caller that found no idle connection may not wait for one; OK if it may.
  absl::Status Refusal(Borrower* borrower, bool newcomer, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  class Place;
  // Takes a caller out who cannot go on; what it was given goes to the next.
  void Abandon(WaiterQueue::Handle waiter);
  absl::StatusOr<Slot*> WaitForSettlement(WaiterQueue::Handle waiter, Borrower* borrower)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RefuseWaiters(const absl::Status& status, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps busy_since_; after each change of what is lent.
  void NoteBusy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static SlotStats Describe(const Slot& slot);

  // Hands a live connection to the longest waiter, or makes it idle.
  void MakeAvailable(Slot* slot, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The calling thread will close it.
  void StartClosing(Slot* slot, RetireReason reason, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The maintainer will close these.
  void BuryIdle(Slot* slot, RetireReason reason, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BuryObsolete(MonotonicTime now, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a connection that is alive must not be used again, if it must not.
  std::optional<RetireReason> Obsolete(const Slot& slot, MonotonicTime now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RetireReason StaleReason() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Draws the conclusions for other connections from the failure of one.
  void Learn(const SqlError& failure, int64_t generation, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteAnswer(const Slot& slot, MonotonicTime now, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteSilence(const SqlError& error, MonotonicTime now, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void TellReachability(Deferred* deferred);
  void SuspectIdle(bool sweep, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After `generation_` was asked to raise, and whether it did.
  void FollowGeneration(bool raised, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Connections that were made before the pool was recreated.
  int CountStale() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ConnectDemand Demand() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When to dial; kNever while a connect tells more.
  MonotonicTime NextDial() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  MonotonicTime NextConnect() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeConnectors(Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellBreaker(Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void WakeMaintainerAt(MonotonicTime when, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When the maintainer closes an idle connection.
  MonotonicTime IdleUntil(const Slot& slot) const;
  void ExpireIdle(MonotonicTime now, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the idle sockets looked at, four times a second while somebody watches.
  void GlanceIfDue(MonotonicTime now, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReportLeaks(MonotonicTime now, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  MonotonicTime NextMaintenance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PoolOptions options_;
  const Clock* const clock_;
  PoolObserver* const observer_;

  mutable Mutex mutex_;
  CondVar connect_wanted_;
  CondVar maintenance_wanted_;
  CondVar emptied_;
  SlotTable slots_ ABSL_GUARDED_BY(mutex_);
  WaiterQueue waiters_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  ConnectPolicy policy_ ABSL_GUARDED_BY(mutex_);
  Generation generation_ ABSL_GUARDED_BY(mutex_);
  Reachability reachability_ ABSL_GUARDED_BY(mutex_);
  DialPolicy dial_ ABSL_GUARDED_BY(mutex_);
  Jitter jitter_ ABSL_GUARDED_BY(mutex_);
  // Since when all connections exist and are lent.
  std::optional<MonotonicTime> busy_since_ ABSL_GUARDED_BY(mutex_);
  // Until when the maintainer sleeps; the past while it is awake.
  MonotonicTime maintenance_at_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::min();
  // Somebody watches the pool until then.
  MonotonicTime watched_until_ ABSL_GUARDED_BY(mutex_){};
  MonotonicTime next_glance_ ABSL_GUARDED_BY(mutex_){};
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace auth::pool
