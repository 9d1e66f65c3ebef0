#pragma once

#include <map>
#include <thread>

#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::ops {

// Cuts connections whose clients are too slow: an HTTP library's own timeout sees only silence, and
// one byte each second is none. Each connection has a moment by which its client must have done its
// part; who is late finds the connection shut down.
//
// Thread-safe. `clock` must outlive it. The descriptor of a connection must stay open until Remove
// has returned.
class ConnectionDeadlines {
 public:
  using Id = const void*;

  explicit ConnectionDeadlines(const Clock* clock);
  ~ConnectionDeadlines();

  // The client's turn begins: a request must come, or its answer be taken, within `limit`.
  void Expect(Id connection, int fd, Duration limit);
  // It is our turn.
  void Pause(Id connection);
  void Remove(Id connection);

 private:
  struct Entry {
    int fd;
    MonotonicTime deadline;
  };
  void Run();

  const Clock* const clock_;
  Mutex mutex_;
  CondVar changed_;
  std::map<Id, Entry> connections_ ABSL_GUARDED_BY(mutex_);
  // Until when the thread sleeps.
  MonotonicTime wakes_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::max();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace auth::ops
