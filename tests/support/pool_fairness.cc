#include "tests/support/pool_fairness.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <map>
#include <thread>
#include <utility>

#include "pool/connection_pool.h"
#include "tests/support/scripted_connection.h"

namespace auth::testing {
namespace {

using pool::Connection;
using pool::ConnectionPool;
using pool::PooledConnection;

// Moments of one run in the order in which they happened.
using Sequence = int64_t;
constexpr Sequence kNever = std::numeric_limits<Sequence>::max();

struct Turn {
  Sequence called = 0;
  Sequence queued = kNever;  // in the queue at the latest
  Sequence freed = 0;        // when the last borrower began to give its connection back
  Sequence served = 0;       // when it had its connection at the latest
  Duration wait{};
};

// A real clock that notices when the caller of a turn waits in the queue.
class QueueClock final : public Clock {
 public:
  // Of the calling thread, until the next call.
  static void Watch(Turn* turn) { watched_ = turn; }
  Sequence Tick() const { return ++sequence_; }

  WallTime Now() const override { return real_.Now(); }
  MonotonicTime Monotonic() const override { return real_.Monotonic(); }
  void WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (watched_ != nullptr && watched_->queued == kNever) watched_->queued = Tick();
    real_.WaitUntil(deadline, condition, mutex);
  }

 private:
  static inline thread_local Turn* watched_ = nullptr;
  RealClock real_;
  mutable std::atomic<Sequence> sequence_ = 0;
};

class FairnessRun {
 public:
  explicit FairnessRun(const FairnessLoad& load) : load_(load) {
    std::vector<PooledConnection> all;
    for (int i = 0; i < load.connections; ++i) {
      all.push_back(Borrow());
      freed_[&*all.back()] = 0;
    }
  }

  // Every turn of every thread.
  std::vector<Turn> Run() {
    std::vector<std::vector<Turn>> turns(static_cast<size_t>(load_.threads));
    std::vector<std::thread> threads;
    for (std::vector<Turn>& own : turns) {
      threads.emplace_back([this, &own] {
        for (int i = 0; i < load_.acquires / load_.threads + 1; ++i) own.push_back(TakeTurn());
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<Turn> all;
    for (const std::vector<Turn>& own : turns) all.insert(all.end(), own.begin(), own.end());
    return all;
  }

 private:
  static pool::PoolOptions Options(const FairnessLoad& load) {
    pool::PoolOptions options;
    options.max_connections = load.connections;
    return options;
  }

  PooledConnection Borrow() {
    auto connection = pool_.Acquire(clock_.Monotonic() + std::chrono::minutes(5));
    if (!connection.ok()) std::abort();
    return *std::move(connection);
  }

  Turn TakeTurn() {
    Turn turn;
    QueueClock::Watch(&turn);
    const MonotonicTime begin = clock_.Monotonic();
    turn.called = clock_.Tick();
    PooledConnection connection = Borrow();
    turn.served = clock_.Tick();
    turn.wait = clock_.Monotonic() - begin;
    QueueClock::Watch(nullptr);

    // Only its borrower touches a connection's entry.
    Sequence& freed = freed_.at(&*connection);
    turn.freed = freed;
    Hold();
    freed = clock_.Tick();
    return turn;
  }

  // As long as a query takes.
  void Hold() const {
    Mutex mutex;
    CondVar never;
    MutexLock lock(&mutex);
    const MonotonicTime end = clock_.Monotonic() + load_.hold;
    while (clock_.Monotonic() < end) clock_.WaitUntil(end, &never, &mutex);
  }

  const FairnessLoad load_;
  QueueClock clock_;
  ScriptedDatabase database_{&clock_};
  pool::PoolObserver observer_;
  ConnectionPool pool_{Options(load_), database_.MakeFactory(), &clock_, &observer_};
  std::map<const Connection*, Sequence> freed_;
};

int64_t CountInversions(std::vector<Turn> turns) {
  std::sort(turns.begin(), turns.end(),
            [](const Turn& a, const Turn& b) { return a.called < b.called; });
  int64_t inversions = 0;
  for (const Turn& first : turns) {
    if (first.queued == kNever) continue;
    auto second =
        std::upper_bound(turns.begin(), turns.end(), first.queued,
                         [](Sequence moment, const Turn& turn) { return moment < turn.called; });
    for (; second != turns.end() && second->called < first.freed; ++second) {
      if (second->served < first.freed) ++inversions;
    }
  }
  return inversions;
}

}  // namespace

Duration FairnessReport::wait_percentile(int percent) const {
  return waits.at((waits.size() - 1) * static_cast<size_t>(percent) / 100);
}

FairnessReport MeasureFairness(const FairnessLoad& load) {
  const std::vector<Turn> turns = FairnessRun(load).Run();
  FairnessReport report;
  for (const Turn& turn : turns) report.waits.push_back(turn.wait);
  std::sort(report.waits.begin(), report.waits.end());
  report.inversions = CountInversions(turns);
  return report;
}

}  // namespace auth::testing
