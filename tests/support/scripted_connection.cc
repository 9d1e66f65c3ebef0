#include "tests/support/scripted_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::testing {

using pool::QueryResult;
using pool::SocketState;

namespace {

constexpr const char* kCallNames[kCallCount] = {"PING",   "EXECUTE",  "SCRIPT", "BEGIN",
                                                "COMMIT", "ROLLBACK", "REFRESH"};

size_t Index(Call call) { return static_cast<size_t>(call); }

// Moves the front of a queue to `answer`; false if there is none.
bool Take(std::deque<absl::Status>* queue, absl::Status* answer) {
  if (queue->empty()) return false;
  *answer = std::move(queue->front());
  queue->pop_front();
  return true;
}

}  // namespace

absl::Status SqlFailure(std::string_view sqlstate) {
  pool::SqlError error;
  error.fault = pool::ClassifySqlState(sqlstate);
  error.sqlstate = std::string(sqlstate);
  return pool::MakeSqlStatus(error, "scripted failure " + error.sqlstate);
}

absl::Status SqlFailure(pool::SqlFault fault) {
  pool::SqlError error;
  error.fault = fault;
  return pool::MakeSqlStatus(error, "scripted failure");
}

// --- ScriptedSession -----------------------------------------------------------------------------

void ScriptedSession::Kill() {
  killed_ = true;
  socket_ = SocketState::kDead;
}

void ScriptedSession::KillUnnoticed() { killed_ = true; }

void ScriptedSession::Queue(Call call, absl::Status answer) {
  MutexLock lock(&mutex_);
  queues_[Index(call)].push_back(std::move(answer));
}

void ScriptedSession::On(Call call, Handler handler) {
  MutexLock lock(&mutex_);
  handlers_[Index(call)] = std::move(handler);
}

// --- The connection that the pool sees -----------------------------------------------------------

class ScriptedConnection final : public pool::Connection {
 public:
  ScriptedConnection(ScriptedDatabase* database, ScriptedSession* session)
      : database_(database), session_(session) {}

  ~ScriptedConnection() override {
    session_->closed_ = true;
    --database_->live_;
  }

  SocketState Peek() noexcept override {
    const Use use(this);
    ++session_->peeks_;
    ++database_->peeks_;
    return session_->socket_;
  }

  absl::Status Ping(MonotonicTime deadline) override { return Run(Call::kPing, deadline); }

  absl::StatusOr<QueryResult> Execute(MonotonicTime deadline, const pool::Statement& statement,
                                      const pool::Params& params) override {
    return RunStatement(deadline, statement.name, statement, params);
  }
  absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime deadline, const std::string& label,
                                              const pool::Statement& statement,
                                              const pool::Params& params) override {
    return RunStatement(deadline, absl::StrCat(statement.name, " ", label), statement, params);
  }
  absl::Status ExecuteScript(MonotonicTime deadline, const std::string& /*sql*/) override {
    return Run(Call::kExecuteScript, deadline);
  }
  absl::Status Begin(MonotonicTime deadline) override { return Run(Call::kBegin, deadline); }
  absl::Status Commit(MonotonicTime deadline) override { return Run(Call::kCommit, deadline); }
  absl::Status Rollback(MonotonicTime deadline) override { return Run(Call::kRollback, deadline); }
  absl::Status RefreshDatabaseTime(MonotonicTime deadline) override {
    return Run(Call::kRefreshTime, deadline);
  }
  void Cut() noexcept override { session_->Kill(); }

  WallTime DatabaseTime(MonotonicTime moment) const override {
    MutexLock lock(&database_->mutex_);
    const Duration ahead = moment - database_->clock_->Monotonic();
    return database_->clock_->Now() + std::chrono::duration_cast<WallTime::duration>(ahead);
  }

 private:
  // Notices calls from two threads at once.
  class Use {
   public:
    explicit Use(ScriptedConnection* connection) : connection_(connection) {
      if (connection_->session_->in_call_.exchange(true)) ++connection_->database_->overlaps_;
    }
    ~Use() { connection_->session_->in_call_ = false; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    ScriptedConnection* const connection_;
  };

  // Counts the call; true if `answer` is scripted.
  bool Begin(Call call, const char* detail, absl::Status* answer) {
    ++session_->calls_[Index(call)];
    ++database_->calls_[Index(call)];
    database_->Log(*session_, call, detail);
    if (session_->killed_) {
      session_->socket_ = SocketState::kDead;
      *answer = SqlFailure("57P01");
      return true;
    }
    {
      MutexLock lock(&session_->mutex_);
      if (Take(&session_->queues_[Index(call)], answer)) return true;
    }
    MutexLock lock(&database_->mutex_);
    return Take(&database_->queues_[Index(call)], answer);
  }

  absl::Status Run(Call call, MonotonicTime deadline) {
    const Use use(this);
    absl::Status answer;
    if (Begin(call, "", &answer)) return answer;
    ScriptedSession::Handler handler;
    {
      MutexLock lock(&session_->mutex_);
      handler = session_->handlers_[Index(call)];
    }
    return handler ? handler(deadline) : absl::OkStatus();
  }

  // `detail` is for the log.
  absl::StatusOr<QueryResult> RunStatement(MonotonicTime deadline, const std::string& detail,
                                           const pool::Statement& statement,
                                           const pool::Params& params) {
    const Use use(this);
    absl::Status answer;
    if (Begin(Call::kExecute, detail.c_str(), &answer)) {
      if (!answer.ok()) return answer;
      return QueryResult{};
    }
    ScriptedSession::ExecuteHandler handler;
    {
      MutexLock lock(&session_->mutex_);
      handler = session_->execute_handler_;
    }
    return handler ? handler(deadline, statement, params) : QueryResult{};
  }

  ScriptedDatabase* const database_;
  ScriptedSession* const session_;
};

class ScriptedFactory final : public pool::ConnectionFactory {
 public:
  explicit ScriptedFactory(ScriptedDatabase* database) : database_(database) {}

  absl::StatusOr<std::unique_ptr<pool::Connection>> Connect(MonotonicTime deadline) override {
    return database_->Connect(deadline);
  }
  absl::Status Dial(MonotonicTime /*deadline*/) override { return database_->Dial(); }
  void Cancel() override { database_->Cancel(); }

 private:
  ScriptedDatabase* const database_;
};

// --- ScriptedDatabase ----------------------------------------------------------------------------

std::unique_ptr<pool::ConnectionFactory> ScriptedDatabase::MakeFactory() {
  MutexLock lock(&mutex_);
  cancelled_ = false;
  return std::make_unique<ScriptedFactory>(this);
}

absl::StatusOr<std::unique_ptr<pool::Connection>> ScriptedDatabase::Connect(
    MonotonicTime deadline) {
  ++connects_;
  ++running_;
  CountLive();
  MutexLock lock(&mutex_);
  const MonotonicTime begin = clock_->Monotonic();
  connect_times_.push_back(begin);
  absl::Status status = AwaitPermission(begin, deadline);
  --running_;
  if (!status.ok()) {
    --live_;
    return status;
  }
  sessions_.push_back(std::make_unique<ScriptedSession>(static_cast<int>(sessions_.size())));
  ScriptedSession* const session = sessions_.back().get();
  {
    MutexLock session_lock(&session->mutex_);
    session->execute_handler_ = execute_handler_;
  }
  return std::make_unique<ScriptedConnection>(this, session);
}

absl::Status ScriptedDatabase::AwaitPermission(MonotonicTime begin, MonotonicTime deadline) {
  const MonotonicTime ready = begin + connect_time_;
  while ((held_ && permits_ == 0) || clock_->Monotonic() < ready) {
    if (cancelled_) return absl::CancelledError("connect cancelled");
    const MonotonicTime now = clock_->Monotonic();
    if (now >= deadline) return SqlFailure("");
    clock_->WaitUntil(now < ready ? std::min(ready, deadline) : deadline, &changed_, &mutex_);
  }
  if (cancelled_) return absl::CancelledError("connect cancelled");
  if (held_) --permits_;
  if (!connect_failures_.empty()) {
    absl::Status status = std::move(connect_failures_.front());
    connect_failures_.pop_front();
    return status;
  }
  return connect_status_;
}

void ScriptedDatabase::CountLive() {
  const int live = ++live_;
  int most = most_live_;
  while (live > most && !most_live_.compare_exchange_weak(most, live)) {
  }
}

void ScriptedDatabase::Cancel() {
  MutexLock lock(&mutex_);
  cancelled_ = true;
  changed_.NotifyAll();
}

void ScriptedDatabase::FailConnects(absl::Status status) {
  MutexLock lock(&mutex_);
  connect_status_ = std::move(status);
}

void ScriptedDatabase::AllowConnects() { FailConnects(absl::OkStatus()); }

void ScriptedDatabase::AnswerDials(absl::Status status) {
  MutexLock lock(&mutex_);
  dial_status_ = std::move(status);
}

absl::Status ScriptedDatabase::Dial() {
  ++dials_;
  MutexLock lock(&mutex_);
  return dial_status_;
}

void ScriptedDatabase::FailNextConnect(absl::Status status) {
  MutexLock lock(&mutex_);
  connect_failures_.push_back(std::move(status));
}

void ScriptedDatabase::HoldConnects() {
  MutexLock lock(&mutex_);
  held_ = true;
  permits_ = 0;
}

void ScriptedDatabase::ReleaseConnects(int count) {
  MutexLock lock(&mutex_);
  permits_ += count;
  changed_.NotifyAll();
}

void ScriptedDatabase::ReleaseAllConnects() {
  MutexLock lock(&mutex_);
  held_ = false;
  changed_.NotifyAll();
}

void ScriptedDatabase::SetConnectTime(Duration time) {
  MutexLock lock(&mutex_);
  connect_time_ = time;
}

void ScriptedDatabase::Queue(Call call, absl::Status answer) {
  MutexLock lock(&mutex_);
  queues_[Index(call)].push_back(std::move(answer));
}

void ScriptedDatabase::OnExecute(ScriptedSession::ExecuteHandler handler) {
  MutexLock lock(&mutex_);
  execute_handler_ = std::move(handler);
}

ScriptedSession& ScriptedDatabase::session(int id) const {
  MutexLock lock(&mutex_);
  return *sessions_.at(static_cast<size_t>(id));
}

int ScriptedDatabase::session_count() const {
  MutexLock lock(&mutex_);
  return static_cast<int>(sessions_.size());
}

void ScriptedDatabase::ForEachLiveSession(const std::function<void(ScriptedSession&)>& visit) {
  std::vector<ScriptedSession*> live;
  {
    MutexLock lock(&mutex_);
    for (const auto& session : sessions_) {
      if (!session->closed()) live.push_back(session.get());
    }
  }
  for (ScriptedSession* session : live) visit(*session);
}

std::vector<MonotonicTime> ScriptedDatabase::connect_times() const {
  MutexLock lock(&mutex_);
  return connect_times_;
}

std::vector<std::string> ScriptedDatabase::log() const {
  MutexLock lock(&mutex_);
  return log_;
}

void ScriptedDatabase::Log(const ScriptedSession& session, Call call, const char* detail) {
  if (!log_enabled_) return;
  std::string line = absl::StrCat(session.id(), " ", kCallNames[Index(call)]);
  if (*detail != '\0') absl::StrAppend(&line, " ", detail);
  MutexLock lock(&mutex_);
  log_.push_back(std::move(line));
}

}  // namespace auth::testing
