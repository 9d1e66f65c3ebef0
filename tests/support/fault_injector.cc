#include "tests/support/fault_injector.h"

#include <utility>

#include "pool/sql_error.h"

namespace auth::testing {

class InjectedConnection final : public pool::Connection {
 public:
  InjectedConnection(std::unique_ptr<pool::Connection> real, FaultInjector* faults, Duration skew)
      : real_(std::move(real)), faults_(faults), skew_(skew) {}

  pool::SocketState Peek() noexcept override { return real_->Peek(); }
  absl::Status Ping(MonotonicTime deadline) override { return real_->Ping(deadline); }
  absl::StatusOr<pool::QueryResult> Execute(MonotonicTime deadline,
                                            const pool::Statement& statement,
                                            const pool::Params& params) override {
    absl::StatusOr<pool::QueryResult> answer = real_->Execute(deadline, statement, params);
    if (absl::Status lost = faults_->AfterExecute(statement.name, ""); !lost.ok()) return lost;
    return answer;
  }
  absl::StatusOr<pool::QueryResult> ExecuteLabelled(MonotonicTime deadline,
                                                    const std::string& label,
                                                    const pool::Statement& statement,
                                                    const pool::Params& params) override {
    absl::StatusOr<pool::QueryResult> answer =
        real_->ExecuteLabelled(deadline, label, statement, params);
    if (absl::Status lost = faults_->AfterExecute(statement.name, label); !lost.ok()) return lost;
    return answer;
  }
  absl::Status ExecuteScript(MonotonicTime deadline, const std::string& sql) override {
    return real_->ExecuteScript(deadline, sql);
  }
  absl::Status Begin(MonotonicTime deadline) override { return real_->Begin(deadline); }
  absl::Status Commit(MonotonicTime deadline) override { return real_->Commit(deadline); }
  absl::Status Rollback(MonotonicTime deadline) override { return real_->Rollback(deadline); }
  WallTime DatabaseTime(MonotonicTime moment) const override {
    return real_->DatabaseTime(moment) + std::chrono::duration_cast<WallTime::duration>(skew_);
  }
  absl::Status RefreshDatabaseTime(MonotonicTime deadline) override {
    skew_ = {};
    return real_->RefreshDatabaseTime(deadline);
  }
  void Cut() noexcept override { real_->Cut(); }

 private:
  const std::unique_ptr<pool::Connection> real_;
  FaultInjector* const faults_;
  Duration skew_;
};

namespace {

class InjectedFactory final : public pool::ConnectionFactory {
 public:
  using Decorate =
      std::function<std::unique_ptr<pool::Connection>(std::unique_ptr<pool::Connection>)>;

  InjectedFactory(std::unique_ptr<pool::ConnectionFactory> real, Decorate decorate)
      : real_(std::move(real)), decorate_(std::move(decorate)) {}

  absl::StatusOr<std::unique_ptr<pool::Connection>> Connect(MonotonicTime deadline) override {
    absl::StatusOr<std::unique_ptr<pool::Connection>> connection = real_->Connect(deadline);
    if (!connection.ok()) return connection.status();
    return decorate_(*std::move(connection));
  }
  absl::Status Dial(MonotonicTime deadline) override { return real_->Dial(deadline); }
  void Cancel() override { real_->Cancel(); }

 private:
  const std::unique_ptr<pool::ConnectionFactory> real_;
  const Decorate decorate_;
};

}  // namespace

std::unique_ptr<pool::ConnectionFactory> FaultInjector::Wrap(
    std::unique_ptr<pool::ConnectionFactory> factory) {
  return std::make_unique<InjectedFactory>(
      std::move(factory), [this](std::unique_ptr<pool::Connection> connection) {
        MutexLock lock(&mutex_);
        return std::make_unique<InjectedConnection>(std::move(connection), this, skew_);
      });
}

void FaultInjector::LoseAnswer(const std::string& statement) {
  MutexLock lock(&mutex_);
  ++answers_to_lose_[statement];
}

void FaultInjector::AfterEach(const std::string& statement, std::function<void()> hook) {
  MutexLock lock(&mutex_);
  hooks_[statement] = std::move(hook);
}

void FaultInjector::SkewDatabaseTime(Duration skew) {
  MutexLock lock(&mutex_);
  skew_ = skew;
}

int FaultInjector::executions(const std::string& statement) const {
  MutexLock lock(&mutex_);
  const auto found = executions_.find(statement);
  return found == executions_.end() ? 0 : found->second;
}

std::string FaultInjector::last_label(const std::string& statement) const {
  MutexLock lock(&mutex_);
  const auto found = labels_.find(statement);
  return found == labels_.end() ? "" : found->second;
}

absl::Status FaultInjector::AfterExecute(const std::string& statement, const std::string& label) {
  std::function<void()> hook;
  bool lose = false;
  {
    MutexLock lock(&mutex_);
    ++executions_[statement];
    labels_[statement] = label;
    int& to_lose = answers_to_lose_[statement];
    if (to_lose > 0) {
      --to_lose;
      lose = true;
    }
    if (const auto found = hooks_.find(statement); found != hooks_.end()) hook = found->second;
  }
  if (hook) hook();
  if (!lose) return absl::OkStatus();
  return pool::MakeSqlStatus({pool::SqlFault::kLost, "", ""}, "the answer was lost");
}

}  // namespace auth::testing
