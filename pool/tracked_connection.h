#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/sql_error.h"

namespace auth::pool {

// A Connection that remembers what one attempt of TransactionRunner has done to the session and to
// the database, whatever the attempt's code makes of the answers. Forwards to `connection`, which
// must outlive it, as `label` must.
class TrackedConnection final : public Connection {
 public:
  // Statements outside of a transaction run with `label`, if that is not empty.
  TrackedConnection(Connection* connection, const Clock* clock, const std::string& label)
      : connection_(connection), clock_(clock), label_(label) {}

  SocketState Peek() noexcept override { return connection_->Peek(); }
  absl::Status Ping(MonotonicTime deadline) override;
  absl::StatusOr<QueryResult> Execute(MonotonicTime deadline, const Statement& statement,
                                      const Params& params) override {
    return ExecuteLabelled(deadline, label_, statement, params);
  }
  absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime deadline, const std::string& label,
                                              const Statement& statement,
                                              const Params& params) override;
  absl::Status ExecuteScript(MonotonicTime deadline, const std::string& sql) override;
  absl::Status Begin(MonotonicTime deadline) override;
  absl::Status Commit(MonotonicTime deadline) override;
  absl::Status Rollback(MonotonicTime deadline) override;
  WallTime DatabaseTime(MonotonicTime moment) const override {
    return connection_->DatabaseTime(moment);
  }
  absl::Status RefreshDatabaseTime(MonotonicTime deadline) override;
  void Cut() noexcept override { connection_->Cut(); }

  // The first answer after which nobody must use the session again; OK as long as it is fine.
  const absl::Status& end() const { return end_; }
  // The last statement that failed in the transaction; OK if none has.
  const absl::Status& failed_statement() const { return failed_statement_; }
  bool in_transaction() const { return in_transaction_; }
  // Something that lasts was done: an autocommitted statement, a COMMIT.
  bool committed() const { return committed_; }
  // Something that lasts was sent and it is not known whether it was done.
  bool in_doubt() const { return in_doubt_; }

 private:
  // What a call that succeeds leaves behind.
  enum class Outcome { kNothing, kLasting };

  // Runs `call`, unless it is too late, and notes its answer. What is not sent harms nothing.
  template <typename Call>
  absl::Status Track(MonotonicTime deadline, Outcome outcome, Call call);
  Outcome StatementOutcome() const {
    return in_transaction_ ? Outcome::kNothing : Outcome::kLasting;
  }

  Connection* const connection_;
  const Clock* const clock_;
  const std::string& label_;
  absl::Status end_;
  absl::Status failed_statement_;
  bool in_transaction_ = false;
  bool committed_ = false;
  bool in_doubt_ = false;
};

}  // namespace auth::pool
