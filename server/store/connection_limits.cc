#include "server/store/connection_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace auth::store {
namespace {

// Settings that an engine does not have are NULL; a limit of -1 is none.
constexpr pool::Statement kSelectLimits = {"select_connection_limits", R"sql(
SELECT least(
    current_setting('max_connections', true)::integer -
      coalesce(current_setting('superuser_reserved_connections', true)::integer, 0) -
      coalesce(current_setting('reserved_connections', true)::integer, 0),
    (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)),
  (SELECT nullif(setting, '0') FROM pg_settings WHERE name = 'idle_session_timeout'),
  ('0' NOT IN (current_setting('statement_timeout'), current_setting('lock_timeout')))::integer
)sql"};

// Neon suspends a compute that has been idle for so long.
// https://neon.com/docs/introduction/scale-to-zero
constexpr std::chrono::seconds kNeonSuspend(300);

std::optional<int64_t> Number(const pool::Value& value) {
  int64_t number = 0;
  if (!value.has_value() || !absl::SimpleAtoi(*value, &number)) return std::nullopt;
  return number;
}

int64_t Seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

absl::StatusOr<ConnectionLimits> ReadConnectionLimits(const pool::TransactionRunner& runner,
                                                      MonotonicTime deadline) {
  ConnectionLimits limits;
  const absl::Status status =
      runner.Run(pool::Effect::kReadOnly, deadline, [&](pool::Connection& connection) {
        const absl::StatusOr<pool::QueryResult> answer =
            connection.Execute(deadline, kSelectLimits, {});
        if (!answer.ok()) return answer.status();
        const pool::Row& row = answer->rows.at(0);
        if (const auto connections = Number(row.at(0))) {
          limits.connections = static_cast<int>(*connections);
        }
        if (const auto milliseconds = Number(row.at(1))) {
          limits.idle_session_timeout = std::chrono::milliseconds(*milliseconds);
        }
        limits.has_timeouts = Number(row.at(2)) == 1;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return limits;
}

std::vector<std::string> ConnectionWarnings(const ConnectionLimits& limits,
                                            const pool::PoolOptions& options,
                                            const std::string& host) {
  std::vector<std::string> warnings;
  if (limits.connections.has_value() && options.max_connections > *limits.connections) {
    warnings.push_back(absl::StrCat(
        "--pool-max-connections is ", options.max_connections, ", but the database grants us ",
        *limits.connections,
        ", all replicas together: lower it, or raise the limit of server, database or role"));
  } else if (limits.connections.has_value() && 2 * options.max_connections > *limits.connections) {
    warnings.push_back(absl::StrCat(
        "--pool-max-connections is ", options.max_connections, " of the ", *limits.connections,
        " connections that the database grants us: a second replica has no room, nor has the next "
        "version beside this one in a rolling deployment; lower it to a half, or raise the limit"));
  }
  if (!limits.has_timeouts) {
    warnings.push_back(
        "statement_timeout or lock_timeout is not in force, since a pooler takes no start-up "
        "options: set them with the ALTER ROLE that --print-config shows for --pool-mode "
        "transaction");
  }
  std::optional<Duration> closed_after = limits.idle_session_timeout;
  std::string closer = "the database closes idle sessions";
  if (absl::EndsWithIgnoreCase(host, ".neon.tech") &&
      (!closed_after.has_value() || kNeonSuspend < *closed_after)) {
    closed_after = kNeonSuspend;
    closer = "Neon suspends an idle database";
  }
  if (closed_after.has_value() && options.idle_timeout >= *closed_after) {
    warnings.push_back(absl::StrCat("--pool-idle-timeout is ", Seconds(options.idle_timeout),
                                    "s, but ", closer, " after ", Seconds(*closed_after),
                                    "s: make it less than half of that, or every pause ends in a "
                                    "lost connection"));
  }
  return warnings;
}

}  // namespace auth::store
