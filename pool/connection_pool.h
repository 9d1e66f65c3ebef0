#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/connection_validator.h"
#include "pool/connector.h"
#include "pool/maintainer.h"
#include "pool/pool_observer.h"
#include "pool/pool_options.h"
#include "pool/pool_state.h"
#include "pool/pool_stats.h"
#include "pool/pooled_connection.h"
#include "pool/retry_after.h"

namespace auth::pool {

// A bounded pool of validated PostgreSQL connections: what Acquire lends was alive a moment ago,
// and what dies all the same is replayed by TransactionRunner.
//
// Callers never connect in their own thread: one or two connectors do, paced, and hand the result
// to the longest waiter. A maintainer closes what is too old. An idle pool sends nothing.
//
// Thread-safe. Owns its factory, its connections and its threads; the clock and the observer must
// outlive it, and it must outlive every PooledConnection. No lock is held over I/O or callbacks.
//
//   ConnectionPool pool(options, std::move(factory), &clock, &observer);
//   pool.Start();
//   absl::StatusOr<PooledConnection> connection = pool.Acquire(deadline);
//   if (!connection.ok()) return connection.status();
//   (*connection)->Execute(deadline, kStatement, {user_id});
class ConnectionPool {
 public:
  // `options` must be valid (PoolOptions::Validate).
  ConnectionPool(PoolOptions options, std::unique_ptr<ConnectionFactory> factory,
                 const Clock* clock, PoolObserver* observer);
  // Drains without waiting; running connects are cancelled. No call of Acquire may be running.
  ~ConnectionPool();

  // Begins to open min_connections, in the background.
  void Start();

  // Lends a connection, strictly first come, first served. Waits until `deadline` at the latest.
  //   DEADLINE_EXCEEDED    the deadline passed
  //   UNAVAILABLE          the breaker is open, or acquire_timeout passed with the pool busy;
  //                        RetryAfter(status) tells when to try again
  //   RESOURCE_EXHAUSTED   max_waiters are waiting already
  //   FAILED_PRECONDITION  before the first success only: the database refuses our configuration
  //                        (password, database name, TLS); carries the SqlError
  //   CANCELLED            the pool is draining
  absl::StatusOr<PooledConnection> Acquire(MonotonicTime deadline);

  // Recreates the pool: every connection made until now is retired, idle ones at once, borrowed
  // ones when they come back.
  void InvalidateAll();

  // For somebody who watches: has the idle sockets looked at, in the background, four times a
  // second until a moment after the last such call, so that Stats tells soon of a database that has
  // gone, or come back, though nobody calls. Sends it nothing and opens no session: at most, if
  // idle connections were closed, somebody is seen to listen or not.
  void LookAtIdle();

  PoolStats Stats() const;

  // Refuses new borrows and waits until all connections are back and closed.
  // DEADLINE_EXCEEDED if some are still out: their sockets are cut, so that nobody waits on them.
  absl::Status Drain(MonotonicTime deadline);

 private:
  friend class PooledConnection;

  absl::StatusOr<PooledConnection> Borrow(Borrower* borrower);
  Validation Validate(Slot* slot, MonotonicTime deadline);
  void Return(Slot* slot);
  void Retire(Slot* slot, const Retirement& retirement);

  const Clock* const clock_;
  PoolObserver* const observer_;
  const PoolOptions options_;
  // In this order: connections end before their factory, and threads before what they work on.
  const std::unique_ptr<ConnectionFactory> factory_;
  PoolState state_;
  const ConnectionValidator validator_;
  Connector connector_;
  Maintainer maintainer_;
};

}  // namespace auth::pool
