#include "server/work/worker_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "pool/mutex.h"

namespace auth::work {

struct WorkerPool::State {
  State(Options pool_options, const Clock* pool_clock)
      : options(std::move(pool_options)), clock(pool_clock) {}

  void Work(int number);
  void WatchDeadlines();

  // Whether no task is left and none can come from one that runs.
  bool Finished() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return stopping && queue.empty() && running == 0 && expiring == 0;
  }
  void WakeAllIfFinished() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (!Finished()) return;
    runnable.NotifyAll();
    earlier_deadline.NotifyAll();
  }

  const Options options;
  const Clock* const clock;

  mutable Mutex mutex;
  CondVar runnable;          // a task came, or all is finished
  CondVar earlier_deadline;  // one before `timer_wakes_at` came, or all is finished
  std::map<TaskId, Task> queue ABSL_GUARDED_BY(mutex);
  uint64_t arrivals ABSL_GUARDED_BY(mutex) = 0;
  int running ABSL_GUARDED_BY(mutex) = 0;
  int expiring ABSL_GUARDED_BY(mutex) = 0;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  // Kept while the queue changes, so that a task that is run in time does not wake the timer: most
  // are, and their deadlines rise.
  MonotonicTime timer_wakes_at ABSL_GUARDED_BY(mutex) = MonotonicTime::max();

  std::vector<std::thread> threads;  // touched by constructor and destructor only
};

namespace {

void NameThread(const std::string& name) { pthread_setname_np(pthread_self(), name.c_str()); }

// Linux keeps niceness for each thread.
void AddNice(int nice) {
  if (nice == 0) return;
  const auto thread = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nice);
}

}  // namespace

void WorkerPool::State::Work(int number) {
  NameThread(options.name + "-" + std::to_string(number));
  AddNice(options.nice);
  mutex.Lock();
  while (!Finished()) {
    // Those before have expired: they are the timer's.
    const auto next = queue.upper_bound({clock->Monotonic(), UINT64_MAX});
    if (next == queue.end()) {
      runnable.Wait(&mutex);
      continue;
    }
    Task task = std::move(next->second);
    queue.erase(next);
    ++running;
    mutex.Unlock();
    task.run();
    task = Task();
    mutex.Lock();
    --running;
    WakeAllIfFinished();
  }
  mutex.Unlock();
}

void WorkerPool::State::WatchDeadlines() {
  NameThread(options.name + "-t");
  mutex.Lock();
  while (!Finished()) {
    if (queue.empty()) {
      timer_wakes_at = MonotonicTime::max();
      earlier_deadline.Wait(&mutex);
      continue;
    }
    const auto earliest = queue.begin();
    timer_wakes_at = earliest->first.deadline;
    if (clock->Monotonic() < timer_wakes_at) {
      clock->WaitUntil(timer_wakes_at, &earlier_deadline, &mutex);
      continue;
    }
    Task task = std::move(earliest->second);
    queue.erase(earliest);
    ++expiring;
    mutex.Unlock();
    task.expire();
    task = Task();
    mutex.Lock();
    --expiring;
    WakeAllIfFinished();
  }
  mutex.Unlock();
}

WorkerPool::WorkerPool(Options options, const Clock* clock)
    : state_(std::make_unique<State>(std::move(options), clock)) {
  State* const state = state_.get();
  for (int i = 0; i < state->options.threads; ++i) {
    state->threads.emplace_back([state, i] { state->Work(i); });
  }
  state->threads.emplace_back([state] { state->WatchDeadlines(); });
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(&state_->mutex);
    state_->stopping = true;
    state_->WakeAllIfFinished();
  }
  for (std::thread& thread : state_->threads) thread.join();
}

TaskId WorkerPool::Submit(Task task) {
  MutexLock lock(&state_->mutex);
  const TaskId id{task.deadline, state_->arrivals++};
  state_->queue.emplace(id, std::move(task));
  state_->runnable.NotifyOne();
  if (id.deadline < state_->timer_wakes_at) state_->earlier_deadline.NotifyOne();
  return id;
}

bool WorkerPool::Withdraw(const TaskId& id) {
  // Destroyed without the lock: what it holds may be anything.
  decltype(State::queue)::node_type task;
  MutexLock lock(&state_->mutex);
  task = state_->queue.extract(id);
  state_->WakeAllIfFinished();
  return !task.empty();
}

int WorkerPool::queued() const {
  MutexLock lock(&state_->mutex);
  return static_cast<int>(state_->queue.size());
}

int WorkerPool::running() const {
  MutexLock lock(&state_->mutex);
  return state_->running;
}

}  // namespace auth::work
