#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/borrower.h"
#include "pool/clock.h"
#include "pool/connect_policy.h"
#include "pool/connection.h"
#include "pool/database_watch.h"
#include "pool/deferred.h"
#include "pool/lending.h"
#include "pool/maintenance_alarm.h"
#include "pool/mutex.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/pool_stats.h"
#include "pool/retirement.h"
#include "pool/slot.h"
#include "pool/sql_error.h"
#include "pool/waiter_queue.h"

namespace auth::pool {

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

// The pool's one mutex, who waits for what, and what an event means for all the rules it guards:
// which slot is whose (Lending), when to connect (ConnectPolicy), what is known of the database
// (DatabaseWatch). Every state change of the pool is a method here.
//
// It does no I/O: callers, connectors and the maintainer take a slot, do their I/O on it without
// the lock, and report what came of it. The observer is told after the lock (Deferred). Two rules
// always hold: there are never more than max_connections slots that are not empty, and nothing is
// idle while anybody waits.
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
  class Place;

  // Why a caller that found no idle connection may not wait for one; OK if it may.
  absl::Status Refusal(Borrower* borrower, bool newcomer, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes a caller out who cannot go on; what it was given goes to the next.
  void Abandon(WaiterQueue::Handle waiter);
  absl::StatusOr<Slot*> WaitForSettlement(WaiterQueue::Handle waiter, Borrower* borrower)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Draws the conclusions for other connections from the failure of one.
  void Learn(const SqlError& failure, int64_t generation, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteAnswer(const Slot& slot, MonotonicTime now, Deferred* deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After the generation was asked to raise, and whether it did.
  void FollowGeneration(bool raised, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Why callers are refused, whether or not anybody would serve them; OK if they are not.
  absl::Status Outage() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ConnectDemand Demand() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When to dial; kNever while a connect tells more.
  MonotonicTime NextDial() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  MonotonicTime NextConnect() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeConnectors(Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellBreaker(Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellIf(bool reachability_changed, Deferred* deferred);
  void PutEmpty(Slot* slot, Deferred* deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PoolOptions options_;
  const Clock* const clock_;
  PoolObserver* const observer_;

  mutable Mutex mutex_;
  CondVar connect_wanted_;
  CondVar emptied_;
  MaintenanceAlarm alarm_ ABSL_GUARDED_BY(mutex_);
  Lending lending_ ABSL_GUARDED_BY(mutex_);
  ConnectPolicy policy_ ABSL_GUARDED_BY(mutex_);
  DatabaseWatch watch_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace auth::pool
