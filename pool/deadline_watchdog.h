#pragma once

#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::pool {

// Ends blocking socket calls at their deadlines: one thread that calls shutdown(2) on the socket,
// whereupon the blocked call returns within a millisecond, plain or TLS. Neither TCP timeouts nor
// libpq can do that when the peer is alive but stopped.
//
// Thread-safe. Must outlive its guards. Sleeps without a timer while no guard is armed.
//
//   DeadlineWatchdog::Guard guard(&watchdog, fd, deadline);
//   PGresult* result = PQexec(connection, sql);   // blocks until `deadline` at the latest
//   if (guard.Disarm()) …                         // cut: the connection is dead
class DeadlineWatchdog {
 public:
  // Watches over one call; used by one thread. `fd` must stay open until Disarm: give it a dup(2)
  // of the socket, because a driver that closes its own on an error frees a number that another
  // thread may be given.
  class Guard {
   public:
    // A deadline of MonotonicTime::max() arms nothing.
    Guard(DeadlineWatchdog* watchdog, int fd, MonotonicTime deadline);
    ~Guard() { Disarm(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    // Ends the watch; returns whether the deadline has fired. Once it has returned, the watchdog
    // does not touch the fd any more. Further calls answer the same.
    bool Disarm();

   private:
    friend class DeadlineWatchdog;
    DeadlineWatchdog* const watchdog_;
    const int fd_;
    const MonotonicTime deadline_;
    bool armed_;
    bool fired_ = false;
  };

  explicit DeadlineWatchdog(const Clock* clock);
  ~DeadlineWatchdog();
  DeadlineWatchdog(const DeadlineWatchdog&) = delete;
  DeadlineWatchdog& operator=(const DeadlineWatchdog&) = delete;

 private:
  void Run();
  void FireDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  // Also held over shutdown(2), which does not block, so that no disarmed socket is ever cut.
  Mutex mutex_;
  CondVar changed_;
  // By deadline. A guard that is missing when its owner disarms it has fired.
  std::set<std::pair<MonotonicTime, const Guard*>> armed_ ABSL_GUARDED_BY(mutex_);
  // When the thread will look next. Only an earlier deadline needs to wake it.
  MonotonicTime wakes_at_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::min();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace auth::pool
