#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/mutex.h"
#include "pool/sql_error.h"

namespace auth::testing {

// The calls of pool::Connection that a script can answer.
enum class Call { kPing, kExecute, kExecuteScript, kBegin, kCommit, kRollback, kRefreshTime };
constexpr int kCallCount = 7;

// A Status as the driver answers for `sqlstate`, e.g. SqlFailure("57P01"); "" is a broken socket.
absl::Status SqlFailure(std::string_view sqlstate);
// A Status as the driver answers for a fault that has no SQLSTATE, e.g. kDeadline.
absl::Status SqlFailure(pool::SqlFault fault);

// One session as its database sees it: what the test sets here, the pool's Connection answers.
// Outlives the connection, so that tests can look at it afterwards. Thread-safe.
//
// Each call is answered by the first of: a killed session's 57P01; the session's own queue; the
// database's queue (ScriptedDatabase::Queue); the handler; OK.
class ScriptedSession {
 public:
  using Handler = std::function<absl::Status(MonotonicTime deadline)>;
  using ExecuteHandler = std::function<absl::StatusOr<pool::QueryResult>(
      MonotonicTime deadline, const pool::Statement& statement, const pool::Params& params)>;

  explicit ScriptedSession(int id) : id_(id) {}

  // 0 for the first connection of the database, 1 for the second, …
  int id() const { return id_; }

  void SetSocket(pool::SocketState state) { socket_ = state; }
  // The socket is dead from now on and every call fails with 57P01.
  void Kill();
  // As pg_terminate_backend does, the socket still looks healthy: calls fail with 57P01, and only
  // then does a peek tell.
  void KillUnnoticed();

  // Answers for the next calls, in order; an OK Execute has no rows.
  void Queue(Call call, absl::Status answer);
  // Runs in the calling thread, without a lock. For kExecute see ScriptedDatabase::OnExecute.
  void On(Call call, Handler handler);

  int calls(Call call) const { return calls_[static_cast<size_t>(call)]; }
  int peeks() const { return peeks_; }
  bool closed() const { return closed_; }

 private:
  friend class ScriptedConnection;
  friend class ScriptedDatabase;

  const int id_;
  std::atomic<pool::SocketState> socket_ = pool::SocketState::kQuiet;
  std::atomic<bool> killed_ = false;
  std::atomic<bool> closed_ = false;
  std::atomic<bool> in_call_ = false;
  std::atomic<int> peeks_ = 0;
  std::array<std::atomic<int>, kCallCount> calls_{};
  mutable Mutex mutex_;
  std::array<std::deque<absl::Status>, kCallCount> queues_ ABSL_GUARDED_BY(mutex_);
  std::array<Handler, kCallCount> handlers_ ABSL_GUARDED_BY(mutex_);
  ExecuteHandler execute_handler_ ABSL_GUARDED_BY(mutex_);
};

// A database that does what a test says. Thread-safe; must outlive its factories and connections.
//
//   FakeClock clock;
//   ScriptedDatabase database(&clock);
//   ConnectionPool pool(options, database.MakeFactory(), &clock, &observer);
//   database.FailConnects(SqlFailure("57P03"));     // every connect, until AllowConnects()
//   database.Queue(Call::kCommit, SqlFailure(""));  // the next COMMIT on whichever connection
//   database.session(0).Kill();
class ScriptedDatabase {
 public:
  explicit ScriptedDatabase(const Clock* clock) : clock_(clock) {}

  std::unique_ptr<pool::ConnectionFactory> MakeFactory();

  // Every connect fails with `status` until AllowConnects.
  void FailConnects(absl::Status status);
  void AllowConnects();
  // The next connect fails with `status`; several calls queue up.
  void FailNextConnect(absl::Status status);
  // Connects block until their deadline, unless the test lets `count` of them go on.
  void HoldConnects();
  void ReleaseConnects(int count);
  // Ends HoldConnects.
  void ReleaseAllConnects();
  // Dials fail with `status` from now on, or are accepted if it is OK.
  void AnswerDials(absl::Status status);

  // How long a connect takes on the clock.
  void SetConnectTime(Duration time);

  // The answer for the next such call on any connection. See ScriptedSession for the order.
  void Queue(Call call, absl::Status answer);
  // The handler of sessions opened from now on. Runs in the calling thread, without a lock.
  void OnExecute(ScriptedSession::ExecuteHandler handler);

  // Sessions in the order in which they were opened; session(i) must exist.
  ScriptedSession& session(int id) const;
  int session_count() const;
  void ForEachLiveSession(const std::function<void(ScriptedSession&)>& visit);

  // Attempts to connect, with those that fail or still run.
  int connects() const { return connects_; }
  int connects_running() const { return running_; }
  int dials() const { return dials_; }
  // When each attempt to connect began.
  std::vector<MonotonicTime> connect_times() const;
  // Connections open now, and the most there ever were, connects under way included.
  int live() const { return live_; }
  int most_live() const { return most_live_; }
  int calls(Call call) const { return calls_[static_cast<size_t>(call)]; }
  int peeks() const { return peeks_; }
  // Calls that came while another call on the same connection was running: must stay 0.
  int overlaps() const { return overlaps_; }
  // Every call but peeks, e.g. "0 BEGIN", "0 EXECUTE insert_user", "0 COMMIT", "1 PING"; with a
  // label "0 EXECUTE insert_user trace=4bf9".
  std::vector<std::string> log() const;
  // The log grows without end; a stress test turns it off.
  void DisableLog() { log_enabled_ = false; }

 private:
  friend class ScriptedConnection;
  friend class ScriptedFactory;

  absl::StatusOr<std::unique_ptr<pool::Connection>> Connect(MonotonicTime deadline);
  absl::Status Dial();
  void Cancel();
  absl::Status AwaitPermission(MonotonicTime begin, MonotonicTime deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Log(const ScriptedSession& session, Call call, const char* detail);
  void CountLive();

  const Clock* const clock_;
  std::atomic<int> connects_ = 0;
  std::atomic<int> dials_ = 0;
  std::atomic<int> running_ = 0;
  std::atomic<int> live_ = 0;
  std::atomic<int> most_live_ = 0;
  std::atomic<int> peeks_ = 0;
  std::atomic<int> overlaps_ = 0;
  std::atomic<bool> log_enabled_ = true;
  std::array<std::atomic<int>, kCallCount> calls_{};

  mutable Mutex mutex_;
  CondVar changed_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int permits_ ABSL_GUARDED_BY(mutex_) = 0;
  Duration connect_time_ ABSL_GUARDED_BY(mutex_){};
  absl::Status connect_status_ ABSL_GUARDED_BY(mutex_);
  absl::Status dial_status_ ABSL_GUARDED_BY(mutex_);
  std::deque<absl::Status> connect_failures_ ABSL_GUARDED_BY(mutex_);
  std::array<std::deque<absl::Status>, kCallCount> queues_ ABSL_GUARDED_BY(mutex_);
  ScriptedSession::ExecuteHandler execute_handler_ ABSL_GUARDED_BY(mutex_);
  std::vector<MonotonicTime> connect_times_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ScriptedSession>> sessions_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::testing
