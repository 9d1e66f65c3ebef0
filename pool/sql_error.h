#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace auth::pool {

// What a failed statement or connect means for whoever must act on it. One place reads SQLSTATEs:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
enum class SqlFault {
  kLost,            // the connection is gone: refused, reset, timeout, 08xxx, 57Pxx, 25P03-04
  kServerFull,      // 53300: no connection slot left
  kConfiguration,   // 28xxx, 3D000, TLS verification: somebody must mend a setting
  kReadOnlyServer,  // 25006: a primary that is one no more
  kSerialization,   // 40001, 40P01: roll back and repeat
  kStaleStatement,  // 26000, 42P05, 0A000: this session's prepared statements are not what we think
  kLockTimeout,     // 55P03
  kResources,       // 53100, 53200 and the rest of class 53
  kCanceled,        // 57014: statement_timeout or an administrator
  kDeadline,        // our own watchdog cut the call at its deadline
  kPermanent,       // classes 22, 23, 42 and all others: repeating does not help
};

// The typed half of a Status that came from the database. The message is the driver's and is for
// logs only: it never reaches a caller.
struct SqlError {
  SqlFault fault = SqlFault::kPermanent;
  // Five characters, or empty where the server did not say (a broken socket).
  std::string sqlstate;
  // The violated unique, foreign key, check or exclusion constraint of a class 23 error, else
  // empty.
  std::string constraint;
};

// Classifies an SQLSTATE; empty means a broken connection.
SqlFault ClassifySqlState(std::string_view sqlstate);
// The same for a failed connect, where some mean something else; `message` is the server's.
SqlFault ClassifyFailedConnect(std::string_view sqlstate, std::string_view message);

// Whether the server closed a session because nobody used it (idle_session_timeout,
// idle_in_transaction_session_timeout): before it read what was sent, and nothing against it.
bool IsIdleClose(std::string_view sqlstate);

// Whether a connect failed because a server that is there and answers took one session less.
bool IsRefusedSession(SqlFault fault);

// A name for logs and metric labels, e.g. "lost", "server_full". Bounded set.
std::string_view SqlFaultName(SqlFault fault);

// A Status that carries `error` as a payload. The code is UNAVAILABLE for faults that pass,
// DEADLINE_EXCEEDED for kDeadline, FAILED_PRECONDITION for kConfiguration, else INTERNAL.
absl::Status MakeSqlStatus(const SqlError& error, std::string_view message);
// For a fault of which no SQLSTATE is known.
absl::Status MakeSqlStatus(SqlFault fault, std::string_view message);

// The payload of a Status made by MakeSqlStatus; nullopt for any other.
std::optional<SqlError> GetSqlError(const absl::Status& status);
// The same for a failed connect or ping, where silence is a loss.
SqlError SqlErrorOrLost(const absl::Status& status);

}  // namespace auth::pool
