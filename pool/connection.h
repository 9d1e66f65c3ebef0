#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/query.h"

namespace auth::pool {

// What one poll(2) tells of an idle socket.
enum class SocketState {
  kQuiet,     // nothing to read: alive as far as the kernel knows
  kReadable,  // bytes without a hang-up: a notice, a NOTIFY, a TLS record; only a ping can tell
  kDead,      // closed, reset or in error
};

// One session with the database. Made by a ConnectionFactory, owned by the pool's slot, used by one
// thread at a time, except for Cut. Destruction closes it and does not block on the network.
//
// Failure: every call answers a Status that carries an SqlError; none throws. After a fault of kind
// kLost or kDeadline the connection is dead and only fit for destruction; but a call whose deadline
// has passed already sends nothing, answers kDeadline and changes nothing.
class Connection {
 public:
  virtual ~Connection() = default;

  // Looks at the socket without reading from it: about a microsecond, no round trip.
  virtual SocketState Peek() noexcept = 0;

  // One round trip. On `deadline` the socket is cut and the answer is kDeadline.
  virtual absl::Status Ping(MonotonicTime deadline) = 0;

  // Runs one statement: in the open transaction, or by itself (autocommit) outside of one.
  virtual absl::StatusOr<QueryResult> Execute(MonotonicTime deadline, const Statement& statement,
                                              const Params& params) = 0;

  // The same, and while the statement runs, the session's `application_name` is followed by `label`
  // where the database shows it (pg_stat_activity, log_line_prefix). No round trip more; nothing of
  // it stays with the session. Outside of a transaction only.
  virtual absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime deadline,
                                                      const std::string& label,
                                                      const Statement& statement,
                                                      const Params& params) = 0;

  // Runs a script of several statements without parameters; for migrations.
  virtual absl::Status ExecuteScript(MonotonicTime deadline, const std::string& sql) = 0;

  // An explicit transaction. Commit answers kSerialization, without SQLSTATE, if the server
  // answered ROLLBACK in the place of COMMIT.
  virtual absl::Status Begin(MonotonicTime deadline) = 0;
  virtual absl::Status Commit(MonotonicTime deadline) = 0;
  virtual absl::Status Rollback(MonotonicTime deadline) = 0;

  // The database's clock at a moment of ours: its clock_timestamp() as last read (at connect, or by
  // RefreshDatabaseTime), moved by the time that has passed on the monotonic clock.
  virtual WallTime DatabaseTime(MonotonicTime moment) const = 0;
  virtual absl::Status RefreshDatabaseTime(MonotonicTime deadline) = 0;

  // Cuts the socket, from any thread: a call under way fails as kLost within a millisecond.
  virtual void Cut() noexcept = 0;
};

// Opens connections. Thread-safe: the pool calls it from its connector threads.
class ConnectionFactory {
 public:
  virtual ~ConnectionFactory() = default;

  // Connects, blocking until `deadline` at the latest. The Status of a failure carries an SqlError.
  virtual absl::StatusOr<std::unique_ptr<Connection>> Connect(MonotonicTime deadline) = 0;

  // Whether anybody listens where the database should be; blocks until `deadline` at the latest.
  // Opens no session, so a database that sleeps behind its listener sleeps on. kLost if nobody
  // does.
  virtual absl::Status Dial(MonotonicTime deadline) = 0;

  // Makes running and later Connects and Dials fail at once, but for one that waits for the
  // system's resolver, which nobody can interrupt; called when the pool drains or is destroyed.
  virtual void Cancel() = 0;
};

}  // namespace auth::pool
