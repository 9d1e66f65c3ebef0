#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"

namespace auth::pool {

// A Connection that notes that the database has answered: that it did what was asked, or said why
// not. To have lent a connection proves nothing: its borrower may find that it is too late to ask.
//
// Owns `connection` and forwards to it; sets `answered`, which must outlive it, and never clears
// it. Used by one thread at a time, except for Cut.
class NotingConnection final : public Connection {
 public:
  NotingConnection(std::unique_ptr<Connection> connection, bool* answered)
      : connection_(std::move(connection)), answered_(answered) {}

  SocketState Peek() noexcept override { return connection_->Peek(); }
  absl::Status Ping(MonotonicTime deadline) override { return Note(connection_->Ping(deadline)); }
  absl::StatusOr<QueryResult> Execute(MonotonicTime deadline, const Statement& statement,
                                      const Params& params) override {
    return Note(connection_->Execute(deadline, statement, params));
  }
  absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime deadline, const std::string& label,
                                              const Statement& statement,
                                              const Params& params) override {
    return Note(connection_->ExecuteLabelled(deadline, label, statement, params));
  }
  absl::Status ExecuteScript(MonotonicTime deadline, const std::string& sql) override {
    return Note(connection_->ExecuteScript(deadline, sql));
  }
  absl::Status Begin(MonotonicTime deadline) override { return Note(connection_->Begin(deadline)); }
  absl::Status Commit(MonotonicTime deadline) override {
    return Note(connection_->Commit(deadline));
  }
  absl::Status Rollback(MonotonicTime deadline) override {
    return Note(connection_->Rollback(deadline));
  }
  WallTime DatabaseTime(MonotonicTime moment) const override {
    return connection_->DatabaseTime(moment);
  }
  absl::Status RefreshDatabaseTime(MonotonicTime deadline) override {
    return Note(connection_->RefreshDatabaseTime(deadline));
  }
  void Cut() noexcept override { connection_->Cut(); }

 private:
  static bool Answers(const absl::Status& status);
  absl::Status Note(absl::Status status) {
    *answered_ = *answered_ || Answers(status);
    return status;
  }
  absl::StatusOr<QueryResult> Note(absl::StatusOr<QueryResult> result) {
    *answered_ = *answered_ || Answers(result.status());
    return result;
  }

  const std::unique_ptr<Connection> connection_;
  bool* const answered_;
};

}  // namespace auth::pool
