#include "server/store/pg_user_store.h"

#include <chrono>
#include <utility>

#include "server/account/errors.h"
#include "server/store/sql_codec.h"
#include "server/store/statements.h"

namespace auth::store {
namespace {

using account::ActiveSession;
using account::CallContext;
using account::NewSession;
using account::NewUser;
using account::Reason;
using account::RegisterResult;
using account::StoredUser;
using account::TokenHash;
using account::Uuid;
using pool::Connection;
using pool::Effect;
using pool::Params;
using pool::QueryResult;
using pool::Row;
using pool::Statement;

constexpr int64_t kActive = 1;
// When to come back if the pool does not know better.
constexpr Duration kRetryAfter = std::chrono::seconds(1);

absl::Status Translate(const absl::Status& status) {
  if (pool::OutcomeUnknown(status)) return account::MakeError(Reason::kOutcomeUnknown);
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return absl::OkStatus();
    case absl::StatusCode::kDeadlineExceeded:
      return account::MakeError(Reason::kDeadlineExceeded);
    case absl::StatusCode::kResourceExhausted:
      return account::MakeError(Reason::kOverloaded, kRetryAfter);
    case absl::StatusCode::kCancelled:
      return account::MakeError(Reason::kShuttingDown);
    case absl::StatusCode::kUnavailable: {
      const Duration known = pool::RetryAfter(status);
      return account::MakeError(Reason::kDatabaseUnavailable,
                                known > Duration::zero() ? known : kRetryAfter);
    }
    // The database refuses our configuration; that is not the caller's matter.
    case absl::StatusCode::kFailedPrecondition:
      return account::MakeError(Reason::kDatabaseUnavailable, kRetryAfter);
    default:
      return account::MakeError(Reason::kInternal);
  }
}

// The columns AUTH_STORED_USER_COLUMNS.
StoredUser ReadStoredUser(RowReader& reader) {
  StoredUser stored;
  stored.user.id = reader.ReadUuid();
  stored.user.email = reader.ReadText();
  stored.user.email_verified = reader.ReadOptionalTime();
  stored.user.created_at = reader.ReadTime();
  stored.user.updated_at = reader.ReadTime();
  stored.email_key = reader.ReadText();
  stored.password_hash = reader.ReadText();
  stored.active = reader.ReadInt() == kActive;
  return stored;
}

// Reads what stood in the way of `user`, from the rows of kFindConflicts; nullopt if nobody does
// any more: the owner rolled back, or was deleted.
absl::StatusOr<std::optional<RegisterResult>> Decide(const NewUser& user,
                                                     const std::vector<Row>& rows) {
  std::optional<RegisterResult> decision;
  for (const Row& row : rows) {
    RowReader reader(row);
    StoredUser stored = ReadStoredUser(reader);
    const std::optional<Uuid> request_id = reader.ReadOptionalUuid();
    if (!reader.status().ok()) return reader.status();
    if (stored.user.id == user.id) {
      // An earlier attempt of this very call was durable, its session and event with it.
      return RegisterResult{RegisterResult::Kind::kCreated, std::nullopt};
    }
    if (request_id && request_id == user.request_id) {
      decision = RegisterResult{RegisterResult::Kind::kRequestIdSeen, std::move(stored)};
    } else if (!decision) {
      decision = RegisterResult{RegisterResult::Kind::kEmailTaken, std::nullopt};
    }
  }
  return decision;
}

Params RegisterParams(const NewUser& user) {
  const NewSession& session = user.session;
  return {Encode(user.id),
          user.email,
          user.email_key,
          user.password_hash,
          Encode(user.request_id),
          Encode(user.created_at),
          Encode(session.id),
          Encode(session.token_hash),
          Encode(session.expires_at),
          Encode(user.event_id)};
}

}  // namespace

PgUserStore::PgUserStore(const pool::TransactionRunner* runner, const Clock* clock,
                         FailureLog failure_log)
    : runner_(runner), clock_(clock), failure_log_(std::move(failure_log)) {}

absl::Status PgUserStore::Run(const char* operation, Effect effect, const CallContext& call,
                              pool::TransactionRunner::Body body) const {
  const auto attempt = [&](Connection& connection) {
    if (call.db_attempts != nullptr) ++*call.db_attempts;
    return body(connection);
  };
  std::string label;
  if (!call.sampled_trace_id.empty()) label.append("trace=").append(call.sampled_trace_id);
  const absl::Status status = runner_->Run(effect, call.deadline, attempt, label);
  // The end of a call's time, or of ours, is in the line of the call.
  const bool out_of_time = absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
  if (!status.ok() && !out_of_time && failure_log_) failure_log_(operation, status);
  return Translate(status);
}

absl::StatusOr<bool> PgUserStore::InsertBefore(MonotonicTime deadline, Connection& connection,
                                               const Statement& statement, Params params) const {
  params.emplace_back();  // the deadline
  for (;;) {
    params.back() = Encode(connection.DatabaseTime(deadline));
    const absl::StatusOr<QueryResult> answer = connection.Execute(deadline, statement, params);
    if (!answer.ok()) return answer.status();
    RowReader reader(answer->rows.at(0));
    const bool inserted = reader.ReadInt() > 0;
    const bool expired = reader.ReadInt() != 0;
    if (!reader.status().ok()) return reader.status();
    if (inserted || !expired) return inserted;
    if (clock_->Monotonic() >= deadline) {
      return pool::MakeSqlStatus(pool::SqlFault::kDeadline, "the write deadline passed");
    }
    // There is time left by our clock: the database's has been set since we read it.
    if (absl::Status status = connection.RefreshDatabaseTime(deadline); !status.ok()) return status;
  }
}

absl::StatusOr<RegisterResult> PgUserStore::Register(const CallContext& call, const NewUser& user) {
  RegisterResult result;
  const auto attempt = [&](Connection& connection) -> absl::Status {
    // Ends at the deadline at the latest, by which every statement fails.
    for (;;) {
      const absl::StatusOr<bool> inserted =
          InsertBefore(call.deadline, connection, kRegisterUser, RegisterParams(user));
      if (!inserted.ok()) return inserted.status();
      if (*inserted) {
        result = {RegisterResult::Kind::kCreated, std::nullopt};
        return absl::OkStatus();
      }
      const absl::StatusOr<QueryResult> found = connection.Execute(
          call.deadline, kFindConflicts, {user.email_key, Encode(user.request_id)});
      if (!found.ok()) return found.status();
      absl::StatusOr<std::optional<RegisterResult>> decision = Decide(user, found->rows);
      if (!decision.ok()) return decision.status();
      if (*decision) {
        result = **std::move(decision);
        return absl::OkStatus();
      }
    }
  };
  const absl::Status status = Run("register", Effect::kIdempotent, call, attempt);
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<bool> PgUserStore::AddSession(const CallContext& call, const NewSession& session,
                                             const std::string& password_hash) {
  bool added = false;
  const auto attempt = [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<bool> inserted =
        InsertBefore(call.deadline, connection, kAddSession,
                     {Encode(session.id), Encode(session.token_hash), Encode(session.created_at),
                      Encode(session.expires_at), Encode(session.user_id), password_hash});
    if (!inserted.ok()) return inserted.status();
    added = *inserted;
    if (added) return absl::OkStatus();
    // Ours may be there, from an attempt whose answer was lost.
    const absl::StatusOr<QueryResult> own = connection.Execute(
        call.deadline, kFindOwnSession,
        {Encode(session.id), Encode(session.user_id), Encode(session.token_hash)});
    if (!own.ok()) return own.status();
    added = !own->rows.empty();
    return absl::OkStatus();
  };
  const absl::Status status = Run("add_session", Effect::kIdempotent, call, attempt);
  if (!status.ok()) return status;
  return added;
}

absl::StatusOr<std::optional<StoredUser>> PgUserStore::FindUserByEmailKey(
    const CallContext& call, const std::string& email_key) {
  std::optional<StoredUser> user;
  const auto attempt = [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<QueryResult> found =
        connection.Execute(call.deadline, kFindUserByEmailKey, {email_key});
    if (!found.ok()) return found.status();
    user.reset();
    if (found->rows.empty()) return absl::OkStatus();
    RowReader reader(found->rows[0]);
    user = ReadStoredUser(reader);
    return reader.status();
  };
  const absl::Status status = Run("find_user_by_email_key", Effect::kReadOnly, call, attempt);
  if (!status.ok()) return status;
  return user;
}

absl::StatusOr<std::optional<ActiveSession>> PgUserStore::FindSession(const CallContext& call,
                                                                      const TokenHash& token_hash,
                                                                      WallTime now) {
  std::optional<ActiveSession> active;
  const auto attempt = [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<QueryResult> found =
        connection.Execute(call.deadline, kFindSession, {Encode(token_hash), Encode(now)});
    if (!found.ok()) return found.status();
    active.reset();
    if (found->rows.empty()) return absl::OkStatus();
    RowReader reader(found->rows[0]);
    StoredUser stored = ReadStoredUser(reader);
    account::Session session;
    session.id = reader.ReadUuid();
    session.user_id = stored.user.id;
    session.expires = reader.ReadTime();
    active = ActiveSession{std::move(stored.user), session};
    return reader.status();
  };
  const absl::Status status = Run("find_session", Effect::kReadOnly, call, attempt);
  if (!status.ok()) return status;
  return active;
}

absl::Status PgUserStore::DeleteSession(const CallContext& call, const TokenHash& token_hash) {
  return Run("delete_session", Effect::kIdempotent, call, [&](Connection& connection) {
    return connection.Execute(call.deadline, kDeleteSession, {Encode(token_hash)}).status();
  });
}

absl::StatusOr<bool> PgUserStore::ReplacePasswordHash(const CallContext& call, const Uuid& user_id,
                                                      const std::string& old_hash,
                                                      const std::string& new_hash) {
  bool replaced = false;
  const auto attempt = [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<QueryResult> answer = connection.Execute(
        call.deadline, kReplacePasswordHash, {Encode(user_id), old_hash, new_hash});
    if (!answer.ok()) return answer.status();
    replaced = answer->affected_rows > 0;
    return absl::OkStatus();
  };
  const absl::Status status = Run("replace_password_hash", Effect::kIdempotent, call, attempt);
  if (!status.ok()) return status;
  return replaced;
}

}  // namespace auth::store
