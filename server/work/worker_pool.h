#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pool/clock.h"

namespace auth::work {

// One piece of a call. Exactly one of the two functions runs, exactly once.
struct Task {
  MonotonicTime deadline;
  // On a worker, before the deadline.
  std::function<void()> run;
  // On the timer thread, when the deadline passes in the queue; must not block.
  std::function<void()> expire;
};

// Named threads that run tasks, the earliest deadline first (equal deadlines in order of arrival).
// A timer, not a free worker, answers what expires in the queue, so a queue behind stalled workers
// still answers in time.
//
// Unbounded by itself: AdmissionController bounds what gets in. Thread-safe; tasks may submit
// tasks.
class WorkerPool {
 public:
  struct Options {
    std::string name;  // at most 12 characters: threads are named `<name>-<n>`
    int threads = 1;
    int nice = 0;  // added to the threads' niceness, so that CPU-bound work yields to the rest
  };

  WorkerPool(Options options, const Clock* clock);
  // Runs what is queued, then joins its threads.
  ~WorkerPool();

  void Submit(Task task);

  // Tasks waiting for a worker, and tasks being run.
  int queued() const;
  int running() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace auth::work
