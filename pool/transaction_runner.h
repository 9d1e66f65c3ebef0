#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "pool/connection_pool.h"
#include "pool/effect.h"

namespace auth::pool {

class TrackedConnection;

// Runs statements on a borrowed connection and replays them when that is safe, so that no caller
// ever sees a lost connection. Owns the borrow, the transaction, the classification and the retry.
//
// kReadOnly and kIdempotent are replayed until the deadline: the first time at once, then after a
// jittered delay, during which no connection is held. What an SqlFault leads to:
//   kLost, kReadOnlyServer     the connection is closed, replay
//   kSerialization             rolled back, replay after a delay
//   kLockTimeout               rolled back, replay; but behind an earlier attempt that may still
//                              hold the lock: UNKNOWN
//   kStaleStatement            the connection is closed, replay once
//   kServerFull, kResources    UNAVAILABLE with RetryAfter
//   kCanceled                  UNAVAILABLE
//   kDeadline                  DEADLINE_EXCEEDED
//   kConfiguration, kPermanent rolled back and returned as it is
// `body` may run several times; its own errors, those without an SqlError, are final.
//
// Errors: those of `body` and of ConnectionPool::Acquire, and besides
//   DEADLINE_EXCEEDED  the deadline passed, wherever, and whatever is known of the outcome
//   UNAVAILABLE        the database cannot serve now (out of resources, cancelled, …)
//   UNKNOWN            a write was sent and its outcome is not known (OutcomeUnknown(status))
//
// Thread-safe; holds no state between runs.
//
//   absl::Status status = runner.Run(Effect::kReadOnly, deadline, [&](Connection& connection) {
//     absl::StatusOr<QueryResult> found = connection.Execute(deadline, kFindSession, {hash});
//     …
//   });
class TransactionRunner {
 public:
  using Body = absl::FunctionRef<absl::Status(Connection&)>;

  TransactionRunner(ConnectionPool* pool, const Clock* clock, PoolObserver* observer);

  // Runs `body` without a transaction: each statement commits by itself. With a label, the database
  // shows it beside the statements (Connection::ExecuteLabelled).
  absl::Status Run(Effect effect, MonotonicTime deadline, Body body,
                   const std::string& label = "") const;

  // Runs `body` between BEGIN and COMMIT.
  absl::Status RunInTransaction(Effect effect, MonotonicTime deadline, Body body) const;

 private:
  using Work = absl::FunctionRef<absl::Status(TrackedConnection&)>;
  // What one attempt came to.
  struct Attempt {
    absl::Status status;
    bool committed = false;  // something that lasts was done
    bool in_doubt = false;   // something that lasts was sent, and no answer came
  };
  class Replay;

  absl::Status RunUntilDone(Effect effect, MonotonicTime deadline, const std::string& label,
                            Work work) const;
  Attempt RunOnce(PooledConnection connection, MonotonicTime deadline, const std::string& label,
                  Work work) const;
  void Wait(Duration delay, MonotonicTime deadline) const;

  ConnectionPool* const pool_;
  const Clock* const clock_;
  PoolObserver* const observer_;
};

// Whether a Status of TransactionRunner says that a write may or may not be durable.
bool OutcomeUnknown(const absl::Status& status);

}  // namespace auth::pool
