// What a borrow costs: Acquire and return on ten idle connections, with a real poll(2) as peek.
// Must stay well below 3 µs, of which the peek is the larger part.
//
//   bin/bench_pool --benchmark_min_time=1

#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pool/connection_pool.h"

namespace auth::pool {
namespace {

// One end of a socket pair on which nothing ever comes.
class QuietConnection final : public Connection {
 public:
  QuietConnection() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) std::abort();
  }
  ~QuietConnection() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  SocketState Peek() noexcept override {
    pollfd look{ends_[0], POLLIN | POLLRDHUP, 0};
    return poll(&look, 1, 0) == 0 ? SocketState::kQuiet : SocketState::kDead;
  }
  absl::Status Ping(MonotonicTime) override { return absl::OkStatus(); }
  absl::StatusOr<QueryResult> Execute(MonotonicTime, const Statement&, const Params&) override {
    return QueryResult{};
  }
  absl::StatusOr<QueryResult> ExecuteLabelled(MonotonicTime, const std::string&, const Statement&,
                                              const Params&) override {
    return QueryResult{};
  }
  absl::Status ExecuteScript(MonotonicTime, const std::string&) override {
    return absl::OkStatus();
  }
  absl::Status Begin(MonotonicTime) override { return absl::OkStatus(); }
  absl::Status Commit(MonotonicTime) override { return absl::OkStatus(); }
  absl::Status Rollback(MonotonicTime) override { return absl::OkStatus(); }
  WallTime DatabaseTime(MonotonicTime) const override { return {}; }
  void Cut() noexcept override {}
  absl::Status RefreshDatabaseTime(MonotonicTime) override { return absl::OkStatus(); }

 private:
  int ends_[2];
};

class QuietFactory final : public ConnectionFactory {
 public:
  absl::StatusOr<std::unique_ptr<Connection>> Connect(MonotonicTime) override {
    return std::make_unique<QuietConnection>();
  }
  absl::Status Dial(MonotonicTime) override { return absl::OkStatus(); }
  void Cancel() override {}
};

// A pool whose ten connections are open. One for all benchmarks, as one server has one.
struct OpenPool {
  OpenPool() {
    std::vector<PooledConnection> borrowed;
    for (int i = 0; i < options.max_connections; ++i) {
      auto connection = pool.Acquire(clock.Monotonic() + std::chrono::seconds(10));
      if (!connection.ok()) std::abort();
      borrowed.push_back(*std::move(connection));
    }
  }

  RealClock clock;
  PoolObserver observer;
  PoolOptions options;
  ConnectionPool pool{options, std::make_unique<QuietFactory>(), &clock, &observer};
};

void BM_AcquireAndReturn(benchmark::State& state) {
  static OpenPool open;
  for (auto _ : state) {
    auto connection = open.pool.Acquire(open.clock.Monotonic() + std::chrono::seconds(10));
    if (!connection.ok()) {
      state.SkipWithError("no connection");
      break;
    }
    benchmark::DoNotOptimize(&**connection);
  }
}
BENCHMARK(BM_AcquireAndReturn)->Threads(1)->Threads(8)->UseRealTime();

void BM_PeekAlone(benchmark::State& state) {
  QuietConnection connection;
  for (auto _ : state) benchmark::DoNotOptimize(connection.Peek());
}
BENCHMARK(BM_PeekAlone);

}  // namespace
}  // namespace auth::pool
