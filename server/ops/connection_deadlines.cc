#include "server/ops/connection_deadlines.h"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>

namespace auth::ops {

ConnectionDeadlines::ConnectionDeadlines(const Clock* clock)
    : clock_(clock), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "http-deadlines");
}

ConnectionDeadlines::~ConnectionDeadlines() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyOne();
  }
  thread_.join();
}

void ConnectionDeadlines::Expect(Id connection, int fd, Duration limit) {
  const MonotonicTime deadline = clock_->Monotonic() + limit;
  MutexLock lock(&mutex_);
  connections_.insert_or_assign(connection, Entry{fd, deadline});
  if (deadline < wakes_) changed_.NotifyOne();
}

void ConnectionDeadlines::Pause(Id connection) {
  MutexLock lock(&mutex_);
  const auto found = connections_.find(connection);
  if (found != connections_.end()) found->second.deadline = MonotonicTime::max();
}

void ConnectionDeadlines::Remove(Id connection) {
  MutexLock lock(&mutex_);
  connections_.erase(connection);
}

void ConnectionDeadlines::Run() {
  MutexLock lock(&mutex_);
  while (!stopping_) {
    const MonotonicTime now = clock_->Monotonic();
    wakes_ = MonotonicTime::max();
    for (auto& [connection, entry] : connections_) {
      if (entry.deadline <= now) {
        // Does not wait. Under the lock, so that the descriptor is still this connection's.
        shutdown(entry.fd, SHUT_RDWR);
        entry.deadline = MonotonicTime::max();
      }
      wakes_ = std::min(wakes_, entry.deadline);
    }
    clock_->WaitUntil(wakes_, &changed_, &mutex_);
  }
}

}  // namespace auth::ops
