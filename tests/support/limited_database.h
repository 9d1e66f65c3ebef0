#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/connection.h"
#include "pool/mutex.h"
#include "tests/support/stepped_clock.h"

namespace auth::testing {

// A database that many servers share, in one process and without sockets: takes `limit` sessions
// and refuses the next as PostgreSQL does (53300); can go away with all its sessions, and come
// back. A statement takes a while of the clock, or until its session ends. Thread-safe; must
// outlive its factories and connections.
class LimitedDatabase {
 public:
  static constexpr Duration kConnectTime = std::chrono::milliseconds(20);
  static constexpr Duration kStatementTime = std::chrono::milliseconds(100);

  LimitedDatabase(const SteppedClock* clock, int limit) : clock_(clock), limit_(limit) {}

  // For the pool of server number `server`.
  std::unique_ptr<pool::ConnectionFactory> MakeFactory(int server);

  // Ends all sessions (57P01), and answers connects with 57P03 until Return.
  void GoAway();
  void Return();
  // Ends all sessions, and takes new ones at once: the next primary is there already.
  void SwitchOver();

  enum class Answer { kOpened, kFull, kAway };
  // An attempt to connect, as the database sees it.
  struct Connect {
    MonotonicTime when;  // it began
    int server = 0;
    Answer answer = Answer::kOpened;
  };
  std::vector<Connect> connects() const;

  // Sessions open now, those being opened included, and the most there ever were: of all servers,
  // or of the one with the most.
  int sessions() const;
  int most_sessions() const;
  int most_sessions_of_a_server() const;
  // The most connects that were under way at once, of all servers together.
  int most_connecting() const;

 private:
  class Session;
  class Factory;

  absl::StatusOr<std::unique_ptr<pool::Connection>> Open(int server);
  void EndSessions() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The session of `server` that began in `era` is over.
  void Close(int server, int era);
  bool Serves(int era) const;
  // Waits for `time` as long as the era lasts; `session` is who waits.
  void Work(Session* session, Duration time);

  const SteppedClock* const clock_;
  const int limit_;
  mutable Mutex mutex_;
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  // How often it went away: what was opened before is dead.
  int era_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<Session*> working_ ABSL_GUARDED_BY(mutex_);
  std::map<int, int> sessions_ ABSL_GUARDED_BY(mutex_);  // by server
  int total_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_of_a_server_ ABSL_GUARDED_BY(mutex_) = 0;
  int connecting_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_connecting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Connect> connects_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::testing
