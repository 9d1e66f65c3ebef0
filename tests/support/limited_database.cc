#include "tests/support/limited_database.h"

#include <algorithm>
#include <utility>

#include "tests/support/scripted_connection.h"

namespace auth::testing {

class LimitedDatabase::Session final : public pool::Connection {
 public:
  Session(LimitedDatabase* database, int server, int era)
      : database_(database), server_(server), era_(era) {}
  ~Session() override { database_->Close(server_, era_); }

  pool::SocketState Peek() noexcept override {
    return database_->Serves(era_) ? pool::SocketState::kQuiet : pool::SocketState::kDead;
  }
  absl::Status Ping(MonotonicTime) override { return Answer(); }
  absl::StatusOr<pool::QueryResult> Execute(MonotonicTime, const pool::Statement&,
                                            const pool::Params&) override {
    if (absl::Status status = Answer(); !status.ok()) return status;
    database_->Work(this, kStatementTime);
    if (absl::Status status = Answer(); !status.ok()) return status;
    return pool::QueryResult{};
  }
  absl::StatusOr<pool::QueryResult> ExecuteLabelled(MonotonicTime deadline, const std::string&,
                                                    const pool::Statement& statement,
                                                    const pool::Params& params) override {
    return Execute(deadline, statement, params);
  }
  absl::Status ExecuteScript(MonotonicTime, const std::string&) override { return Answer(); }
  absl::Status Begin(MonotonicTime) override { return Answer(); }
  absl::Status Commit(MonotonicTime) override { return Answer(); }
  absl::Status Rollback(MonotonicTime) override { return Answer(); }
  absl::Status RefreshDatabaseTime(MonotonicTime) override { return Answer(); }
  WallTime DatabaseTime(MonotonicTime) const override { return database_->clock_->Now(); }
  void Cut() noexcept override {}

 private:
  friend class LimitedDatabase;

  absl::Status Answer() const {
    return database_->Serves(era_) ? absl::OkStatus() : SqlFailure("57P01");
  }

  LimitedDatabase* const database_;
  const int server_;
  const int era_;
  CondVar ended_;
};

class LimitedDatabase::Factory final : public pool::ConnectionFactory {
 public:
  Factory(LimitedDatabase* database, int server) : database_(database), server_(server) {}

  absl::StatusOr<std::unique_ptr<pool::Connection>> Connect(MonotonicTime) override {
    return database_->Open(server_);
  }
  absl::Status Dial(MonotonicTime) override { return absl::OkStatus(); }
  void Cancel() override {}

 private:
  LimitedDatabase* const database_;
  const int server_;
};

std::unique_ptr<pool::ConnectionFactory> LimitedDatabase::MakeFactory(int server) {
  return std::make_unique<Factory>(this, server);
}

absl::StatusOr<std::unique_ptr<pool::Connection>> LimitedDatabase::Open(int server) {
  int era = 0;
  {
    MutexLock lock(&mutex_);
    const Answer answer = away_ ? Answer::kAway : total_ < limit_ ? Answer::kOpened : Answer::kFull;
    connects_.push_back({clock_->Monotonic(), server, answer});
    if (answer == Answer::kAway) return SqlFailure("57P03");
    if (answer == Answer::kFull) return SqlFailure("53300");
    era = era_;
    most_connecting_ = std::max(most_connecting_, ++connecting_);
    most_ = std::max(most_, ++total_);
    most_of_a_server_ = std::max(most_of_a_server_, ++sessions_[server]);
  }
  auto session = std::make_unique<Session>(this, server, era);
  clock_->Pass(kConnectTime);
  {
    MutexLock lock(&mutex_);
    --connecting_;
  }
  if (!Serves(era)) return SqlFailure("57P01");
  return session;
}

void LimitedDatabase::Close(int server, int era) {
  MutexLock lock(&mutex_);
  if (era != era_) return;
  --total_;
  --sessions_[server];
}

bool LimitedDatabase::Serves(int era) const {
  MutexLock lock(&mutex_);
  return era == era_;
}

void LimitedDatabase::Work(Session* session, Duration time) {
  MutexLock lock(&mutex_);
  const MonotonicTime end = clock_->Monotonic() + time;
  working_.insert(session);
  while (session->era_ == era_ && clock_->Monotonic() < end) {
    clock_->WaitUntil(end, &session->ended_, &mutex_);
  }
  working_.erase(session);
}

void LimitedDatabase::GoAway() {
  MutexLock lock(&mutex_);
  away_ = true;
  EndSessions();
}

void LimitedDatabase::SwitchOver() {
  MutexLock lock(&mutex_);
  EndSessions();
}

void LimitedDatabase::EndSessions() {
  ++era_;
  for (Session* const session : working_) session->ended_.NotifyAll();
  total_ = 0;
  sessions_.clear();
}

void LimitedDatabase::Return() {
  MutexLock lock(&mutex_);
  away_ = false;
}

std::vector<LimitedDatabase::Connect> LimitedDatabase::connects() const {
  MutexLock lock(&mutex_);
  return connects_;
}

int LimitedDatabase::sessions() const {
  MutexLock lock(&mutex_);
  return total_;
}

int LimitedDatabase::most_sessions() const {
  MutexLock lock(&mutex_);
  return most_;
}

int LimitedDatabase::most_sessions_of_a_server() const {
  MutexLock lock(&mutex_);
  return most_of_a_server_;
}

int LimitedDatabase::most_connecting() const {
  MutexLock lock(&mutex_);
  return most_connecting_;
}

}  // namespace auth::testing
