#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/transaction_runner.h"
#include "server/account/user_store.h"

namespace auth::store {

// Users and sessions in PostgreSQL. A warm Register is one statement, and so is FindSession.
//
// Every write converges when it is repeated, because its ids were chosen before the first attempt:
// so TransactionRunner replays it after a lost connection, and an answer that was lost with it is
// found again. No other registration is ever taken for ours, nor ours for another's.
//
// While a call that its caller traces and samples runs a statement, the database shows the trace:
// `application_name` in pg_stat_activity is then "auth_server trace=4bf92f…".
//
// Thread-safe. Holds nothing itself; needs the schema of Migrator, and READ COMMITTED.
class PgUserStore final : public account::UserStore {
 public:
  // Is told of each failed call: `operation` is e.g. "register", `cause` has the driver's words,
  // which the caller's Status has not. From any thread.
  using FailureLog = std::function<void(const char* operation, const absl::Status& cause)>;

  // Both must outlive the store.
  PgUserStore(const pool::TransactionRunner* runner, const Clock* clock,
              FailureLog failure_log = nullptr);

  absl::StatusOr<account::RegisterResult> Register(const account::CallContext& call,
                                                   const account::NewUser& user) override;
  absl::StatusOr<bool> AddSession(const account::CallContext& call,
                                  const account::NewSession& session,
                                  const std::string& password_hash) override;
  absl::StatusOr<std::optional<account::StoredUser>> FindUserByEmailKey(
      const account::CallContext& call, const std::string& email_key) override;
  absl::StatusOr<std::optional<account::ActiveSession>> FindSession(
      const account::CallContext& call, const account::TokenHash& token_hash,
      WallTime now) override;
  absl::Status DeleteSession(const account::CallContext& call,
                             const account::TokenHash& token_hash) override;
  absl::StatusOr<bool> ReplacePasswordHash(const account::CallContext& call,
                                           const account::Uuid& user_id,
                                           const std::string& old_hash,
                                           const std::string& new_hash) override;

 private:
  // Runs `body` and makes a Status of account/errors.h of its failure.
  absl::Status Run(const char* operation, pool::Effect effect, const account::CallContext& call,
                   pool::TransactionRunner::Body body) const;
  // Runs an insert that carries its deadline, as the last parameter that it adds to `params`.
  // Whether it inserted.
  absl::StatusOr<bool> InsertBefore(MonotonicTime deadline, pool::Connection& connection,
                                    const pool::Statement& statement, pool::Params params) const;

  const pool::TransactionRunner* const runner_;
  const Clock* const clock_;
  const FailureLog failure_log_;
};

}  // namespace auth::store
