#include "pool/deadline_watchdog.h"

#include <pthread.h>
#include <sys/socket.h>

namespace auth::pool {

DeadlineWatchdog::Guard::Guard(DeadlineWatchdog* watchdog, int fd, MonotonicTime deadline)
    : watchdog_(watchdog), fd_(fd), deadline_(deadline), armed_(deadline != MonotonicTime::max()) {
  if (!armed_) return;
  MutexLock lock(&watchdog_->mutex_);
  watchdog_->armed_.emplace(deadline_, this);
  if (deadline_ < watchdog_->wakes_at_) watchdog_->changed_.NotifyOne();
}

bool DeadlineWatchdog::Guard::Disarm() {
  if (!armed_) return fired_;
  armed_ = false;
  MutexLock lock(&watchdog_->mutex_);
  fired_ = watchdog_->armed_.erase({deadline_, this}) == 0;
  return fired_;
}

DeadlineWatchdog::DeadlineWatchdog(const Clock* clock)
    : clock_(clock), thread_([this] { Run(); }) {}

DeadlineWatchdog::~DeadlineWatchdog() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyOne();
  thread_.join();
}

void DeadlineWatchdog::Run() {
  pthread_setname_np(pthread_self(), "db-watchdog");
  MutexLock lock(&mutex_);
  while (!stopping_) {
    FireDue();
    if (armed_.empty()) {
      wakes_at_ = MonotonicTime::max();
      changed_.Wait(&mutex_);
    } else {
      wakes_at_ = armed_.begin()->first;
      clock_->WaitUntil(wakes_at_, &changed_, &mutex_);
    }
  }
}

void DeadlineWatchdog::FireDue() {
  const MonotonicTime now = clock_->Monotonic();
  while (!armed_.empty() && armed_.begin()->first <= now) {
    shutdown(armed_.begin()->second->fd_, SHUT_RDWR);
    armed_.erase(armed_.begin());
  }
}

}  // namespace auth::pool
