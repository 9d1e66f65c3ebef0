#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "pool/clock.h"

namespace auth::work {

// One piece of a call. Exactly one of the two functions runs, exactly once, unless it is withdrawn.
struct Task {
  MonotonicTime deadline;
  // On a worker, before the deadline.
  std::function<void()> run;
  // On the timer thread, when the deadline passes in the queue; must not block.
  std::function<void()> expire;
};

// A task of one WorkerPool: its place in the queue.
struct TaskId {
  MonotonicTime deadline;
  uint64_t arrival = 0;

  auto operator<=>(const TaskId&) const = default;
};

// Named threads that run tasks, the earliest deadline first (equal deadlines in order of arrival).
// A timer, not a free worker, answers what expires in the queue, so a queue behind stalled workers
// still answers in time.
//
// Unbounded by itself: AdmissionController bounds what gets in, and who gives up a place there
// withdraws the task. Thread-safe; tasks may submit and withdraw tasks.
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

  TaskId Submit(Task task);
  // Takes back a task that still waits, and destroys it before returning; false if it no longer
  // waits.
  bool Withdraw(const TaskId& id);

  // Tasks waiting for a worker, and tasks being run.
  int queued() const;
  int running() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace auth::work
