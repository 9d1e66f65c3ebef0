#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/deadline_watchdog.h"
#include "pool/libpq_connect.h"
#include "pool/sql_error.h"

namespace auth::pool {

// A Connection over libpqxx 6.4 or 7.10, which differ in pqxx_session.h only. Never reconnects by
// itself. Made by PqxxConnectionFactory.
//
// Not thread-safe, except for Cut. `watchdog` and `clock` must outlive it.
class PqxxConnection final : public Connection {
 public:
  struct Options {
    // Prepare each Statement under its name at its first use, one more round trip, once. Not behind
    // a pooler that shares sessions among clients.
    bool prepare_statements = true;
  };

  // Takes over an open libpq connection. The database's time is unknown until RefreshDatabaseTime.
  static absl::StatusOr<std::unique_ptr<PqxxConnection>> Adopt(PgConn connection, Options options,
                                                               DeadlineWatchdog* watchdog,
                                                               const Clock* clock);
  ~PqxxConnection() override;

  SocketState Peek() noexcept override;
  absl::Status Ping(MonotonicTime deadline) override;
  absl::StatusOr<QueryResult> Execute(MonotonicTime deadline, const Statement& statement,
                                      const Params& params) override;
  absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime deadline, const std::string& label,
                                              const Statement& statement,
                                              const Params& params) override;
  absl::Status ExecuteScript(MonotonicTime deadline, const std::string& sql) override;
  absl::Status Begin(MonotonicTime deadline) override;
  absl::Status Commit(MonotonicTime deadline) override;
  absl::Status Rollback(MonotonicTime deadline) override;
  WallTime DatabaseTime(MonotonicTime moment) const override;
  absl::Status RefreshDatabaseTime(MonotonicTime deadline) override;

  // Shuts the socket down, so that a running call fails at once. From any thread.
  void Cut() noexcept override;

 private:
  // A dup(2) of the driver's socket. The driver closes its own inside a failing call, so the bare
  // number may be another connection's when Peek, Cut or the watchdog look at it.
  class Socket;
  // libpqxx's connection.
  struct Session;

  PqxxConnection(std::unique_ptr<Session> session, pg_conn* raw, std::unique_ptr<Socket> socket,
                 Options options, DeadlineWatchdog* watchdog, const Clock* clock);

  // Runs `call`, which throws libpqxx's exceptions, and makes a Status of what it throws.
  template <typename Call>
  absl::Status Guarded(MonotonicTime deadline, Call call);
  // Runs `call`, which is told whether the statement is prepared by then, and may throw as well.
  template <typename Call>
  absl::StatusOr<QueryResult> RunStatement(MonotonicTime deadline, const Statement& statement,
                                           const Params& params, Call call);
  // Runs SQL without parameters through libpq itself, because libpqxx does not show the answer's
  // command tag, e.g. "COMMIT".
  absl::StatusOr<std::string> Command(MonotonicTime deadline, const char* sql);
  // Prepares the statement if it is the first time; throws. False if statements are not prepared.
  bool EnsurePrepared(const Statement& statement);
  absl::Status Failure(bool cut, SqlError error, const std::string& message) const;
  bool broken() const;

  const std::unique_ptr<Socket> socket_;  // outlives the session's use of it
  const std::unique_ptr<Session> session_;
  pg_conn* const raw_;  // the session's
  const Options options_;
  DeadlineWatchdog* const watchdog_;
  const Clock* const clock_;
  std::set<std::string, std::less<>> prepared_;
  // What the database's clock showed at a moment of ours that is not before its reading.
  WallTime database_time_{};
  MonotonicTime database_time_read_at_{};
};

}  // namespace auth::pool
