// This project's pool as one of the peers that tests/bench/pool_faults/run compares; that script
// explains the commands on stdin and their answers on stdout.
//
//   bench_pool_faults URL CONNECTIONS TIMEOUT_SECONDS runner|pool
//
// `runner` makes each call through TransactionRunner, as the service does. `pool` borrows, calls
// and returns, with nothing that replays: what validation alone is worth.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pool/connection_pool.h"
#include "pool/mutex.h"
#include "pool/pqxx_connection_factory.h"
#include "pool/transaction_runner.h"

namespace auth::pool {
namespace {

using std::chrono::milliseconds;

constexpr Statement kCall = {"call", "SELECT pg_sleep(0.002)"};
constexpr size_t kMostSamples = 1'000'000;

// The pool under test, and a call through it.
class Subject {
 public:
  Subject(const std::string& url, int connections, Duration timeout, bool with_runner)
      : connections_(connections),
        timeout_(timeout),
        with_runner_(with_runner),
        pool_(Options(connections), MakeFactory(url), &clock_, &observer_),
        runner_(&pool_, &clock_, &observer_) {
    pool_.Start();
  }

  // Opens all connections: borrows them at once and calls on each.
  absl::Status Warm() {
    std::vector<PooledConnection> borrowed;
    for (int i = 0; i < connections_; ++i) {
      absl::StatusOr<PooledConnection> connection = pool_.Acquire(deadline());
      if (!connection.ok()) return connection.status();
      borrowed.push_back(*std::move(connection));
    }
    for (PooledConnection& connection : borrowed) {
      absl::Status status = connection->Execute(deadline(), kCall, {}).status();
      if (status.ok()) continue;
      std::move(connection).Discard(status);
      return status;
    }
    return absl::OkStatus();
  }

  absl::Status Call() {
    const MonotonicTime until = deadline();
    if (with_runner_) {
      return runner_.Run(Effect::kReadOnly, until, [until](Connection& connection) {
        return connection.Execute(until, kCall, {}).status();
      });
    }
    absl::StatusOr<PooledConnection> connection = pool_.Acquire(until);
    if (!connection.ok()) return connection.status();
    absl::Status status = (*connection)->Execute(until, kCall, {}).status();
    if (!status.ok()) std::move(*connection).Discard(status);
    return status;
  }

  // Borrows and returns.
  void Cycle() {
    const absl::StatusOr<PooledConnection> connection = pool_.Acquire(deadline());
    if (!connection.ok()) std::abort();
  }

  MonotonicTime now() const { return clock_.Monotonic(); }
  // Lets `duration` pass.
  void Pause(Duration duration) const {
    const MonotonicTime end = now() + duration;
    Mutex mutex;
    CondVar nobody;
    MutexLock lock(&mutex);
    while (now() < end) clock_.WaitUntil(end, &nobody, &mutex);
  }

 private:
  static PoolOptions Options(int connections) {
    PoolOptions options;
    options.max_connections = connections;
    return options;
  }

  std::unique_ptr<ConnectionFactory> MakeFactory(const std::string& url) {
    PqxxConnectionFactory::Options options;
    options.url_source = [url] { return url; };
    auto factory = PqxxConnectionFactory::Create(std::move(options), &clock_);
    if (!factory.ok()) std::abort();
    return *std::move(factory);
  }

  MonotonicTime deadline() const { return clock_.Monotonic() + timeout_; }

  const int connections_;
  const Duration timeout_;
  const bool with_runner_;
  const RealClock clock_;
  PoolObserver observer_;
  ConnectionPool pool_;
  const TransactionRunner runner_;
};

// Calls of several threads, and how they ended.
class Load {
 public:
  explicit Load(Subject* subject) : subject_(subject) {}

  void Start(int threads, Duration pause) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, pause] {
        while (!stop_) {
          CallOnce();
          subject_->Pause(pause);
        }
      });
    }
  }

  void CallOnce() {
    const MonotonicTime begin = subject_->now();
    const absl::Status status = subject_->Call();
    const MonotonicTime end = subject_->now();
    std::lock_guard<std::mutex> lock(mutex_);
    ++calls_;
    longest_ = std::max(longest_, end - begin);
    if (!status.ok()) {
      ++failed_;
    } else if (marked_ && first_ok_ == Duration::max()) {
      first_ok_ = end - mark_;
    }
  }

  void Mark() {
    std::lock_guard<std::mutex> lock(mutex_);
    marked_ = true;
    mark_ = subject_->now();
  }

  std::string Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    std::ostringstream answer;
    answer << "{\"calls\":" << calls_ << ",\"failed\":" << failed_
           << ",\"longest_ms\":" << Milliseconds(longest_);
    if (first_ok_ != Duration::max()) answer << ",\"first_ok_ms\":" << Milliseconds(first_ok_);
    answer << "}";
    return answer.str();
  }

 private:
  static int64_t Milliseconds(Duration duration) {
    return std::chrono::round<milliseconds>(duration).count();
  }

  Subject* const subject_;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  int64_t calls_ = 0;
  int64_t failed_ = 0;
  Duration longest_{};
  bool marked_ = false;
  MonotonicTime mark_;
  Duration first_ok_ = Duration::max();
};

std::string MeasureCycle(Subject* subject, int threads, Duration time) {
  std::vector<std::vector<int64_t>> samples(static_cast<size_t>(threads));
  std::vector<std::thread> workers;
  const MonotonicTime end = subject->now() + time;
  for (std::vector<int64_t>& mine : samples) {
    workers.emplace_back([&mine, subject, end] {
      mine.reserve(kMostSamples);
      MonotonicTime begin = subject->now();
      while (begin < end && mine.size() < kMostSamples) {
        subject->Cycle();
        const MonotonicTime after = subject->now();
        mine.push_back(std::chrono::nanoseconds(after - begin).count());
        begin = after;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& mine : samples) all.insert(all.end(), mine.begin(), mine.end());
  const auto middle = all.begin() + static_cast<ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return "{\"p50_ns\":" + std::to_string(*middle) + "}";
}

std::string Warm(Subject* subject) {
  const absl::Status status = subject->Warm();
  return status.ok() ? "{}" : "{\"error\":\"" + std::string(status.message()) + "\"}";
}

void Serve(Subject* subject) {
  std::unique_ptr<Load> load;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int count = 0;
    int amount = 0;
    words >> command >> count >> amount;
    std::string answer = "{}";
    if (command == "warm") {
      answer = Warm(subject);
    } else if (command == "calls") {
      Load calls(subject);
      for (int i = 0; i < count; ++i) calls.CallOnce();
      answer = calls.Stop();
    } else if (command == "start") {
      load = std::make_unique<Load>(subject);
      load->Start(count, milliseconds(amount));
    } else if (command == "mark") {
      load->Mark();
    } else if (command == "stop") {
      answer = load->Stop();
    } else if (command == "cycle") {
      answer = MeasureCycle(subject, count, milliseconds(amount));
    }
    std::cout << answer << std::endl;
  }
}

}  // namespace
}  // namespace auth::pool

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s URL CONNECTIONS TIMEOUT_SECONDS runner|pool\n", argv[0]);
    return 2;
  }
  auth::pool::Subject subject(argv[1], std::atoi(argv[2]), std::chrono::seconds(std::atoi(argv[3])),
                              std::string(argv[4]) == "runner");
  auth::pool::Serve(&subject);
  return 0;
}
