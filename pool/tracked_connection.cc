#include "pool/tracked_connection.h"

#include <optional>
#include <utility>

namespace auth::pool {
namespace {

// Whether the session is not to be used after such an answer.
bool EndsSession(const SqlError& error) {
  switch (error.fault) {
    case SqlFault::kLost:
    case SqlFault::kDeadline:
    case SqlFault::kReadOnlyServer:
    case SqlFault::kStaleStatement:
      return true;
    default:
      return false;
  }
}

// Whether the server may have done what was asked although no answer says so.
bool LeavesDoubt(const SqlError& error) {
  if (error.fault == SqlFault::kDeadline) return true;
  return error.fault == SqlFault::kLost && !IsIdleClose(error.sqlstate);
}

}  // namespace

template <typename Call>
absl::Status TrackedConnection::Track(MonotonicTime deadline, Outcome outcome, Call call) {
  if (clock_->Monotonic() >= deadline) {
    return MakeSqlStatus(SqlFault::kDeadline, "the deadline passed before sending");
  }
  absl::Status status = call();
  if (status.ok()) {
    if (outcome == Outcome::kLasting) committed_ = true;
    return status;
  }
  const std::optional<SqlError> error = GetSqlError(status);
  if (!error.has_value()) return status;
  if (EndsSession(*error) && end_.ok()) end_ = status;
  if (outcome == Outcome::kLasting && LeavesDoubt(*error)) in_doubt_ = true;
  return status;
}

absl::Status TrackedConnection::Ping(MonotonicTime deadline) {
  return Track(deadline, Outcome::kNothing, [&] { return connection_->Ping(deadline); });
}

absl::StatusOr<QueryResult> TrackedConnection::ExecuteLabelled(MonotonicTime deadline,
                                                               const std::string& label,
                                                               const Statement& statement,
                                                               const Params& params) {
  absl::StatusOr<QueryResult> result;
  absl::Status status = Track(deadline, StatementOutcome(), [&] {
    result = label.empty() || in_transaction_
                 ? connection_->Execute(deadline, statement, params)
                 : connection_->ExecuteLabelled(deadline, label, statement, params);
    return result.status();
  });
  if (status.ok()) return result;
  if (in_transaction_) failed_statement_ = status;
  return status;
}

absl::Status TrackedConnection::ExecuteScript(MonotonicTime deadline, const std::string& sql) {
  absl::Status status = Track(deadline, StatementOutcome(),
                              [&] { return connection_->ExecuteScript(deadline, sql); });
  if (in_transaction_ && !status.ok()) failed_statement_ = status;
  return status;
}

absl::Status TrackedConnection::Begin(MonotonicTime deadline) {
  absl::Status status =
      Track(deadline, Outcome::kNothing, [&] { return connection_->Begin(deadline); });
  if (status.ok()) in_transaction_ = true;
  return status;
}

absl::Status TrackedConnection::Commit(MonotonicTime deadline) {
  return Track(deadline, Outcome::kLasting, [&] {
    in_transaction_ = false;  // whatever the answer
    return connection_->Commit(deadline);
  });
}

absl::Status TrackedConnection::Rollback(MonotonicTime deadline) {
  absl::Status status =
      Track(deadline, Outcome::kNothing, [&] { return connection_->Rollback(deadline); });
  if (status.ok()) in_transaction_ = false;
  return status;
}

absl::Status TrackedConnection::RefreshDatabaseTime(MonotonicTime deadline) {
  return Track(deadline, Outcome::kNothing,
               [&] { return connection_->RefreshDatabaseTime(deadline); });
}

}  // namespace auth::pool
