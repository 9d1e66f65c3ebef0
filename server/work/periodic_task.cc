#include "server/work/periodic_task.h"

#include <pthread.h>

#include <utility>

namespace auth::work {

PeriodicTask::PeriodicTask(const char* thread_name, Duration interval, std::function<void()> task,
                           const Clock* clock)
    : interval_(interval), task_(std::move(task)), clock_(clock), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), thread_name);
}

PeriodicTask::~PeriodicTask() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void PeriodicTask::Run() {
  while (WaitForNext()) task_();
}

bool PeriodicTask::WaitForNext() {
  const MonotonicTime next = clock_->Monotonic() + interval_;
  MutexLock lock(&mutex_);
  while (!stopping_ && clock_->Monotonic() < next) clock_->WaitUntil(next, &stopped_, &mutex_);
  return !stopping_;
}

}  // namespace auth::work
