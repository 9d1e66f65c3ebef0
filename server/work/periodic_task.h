#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::work {

// Does something again and again, on a thread of its own: for what blocks, such as reading files.
// The first time after one interval, then an interval after the end of the time before.
//
// The destructor waits for a run that is under way, and joins the thread. `clock` must outlive it.
class PeriodicTask {
 public:
  // `thread_name` has at most 15 bytes. `task` must not throw.
  PeriodicTask(const char* thread_name, Duration interval, std::function<void()> task,
               const Clock* clock);
  ~PeriodicTask();
  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

 private:
  void Run();
  // False if it is to stop.
  bool WaitForNext();

  const Duration interval_;
  const std::function<void()> task_;
  const Clock* const clock_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace auth::work
