// What it costs callers that operators look: Register's latency while every endpoint is polled, by
// its latency while nobody looks. Interleaved pairs, so that a noisy machine disturbs both; the
// medians count.
//
//   bench_observed [pairs] [seconds for each half]

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

struct Latency {
  double p50 = 0;
  double p99 = 0;
};

// One registration after the other, with time between them for the machine to be idle, so that what
// is seen is a call's own way.
Latency Measure(const AuthServerProcess& server, const std::string& prefix,
                std::chrono::seconds time) {
  const auto stub = NewPlainStub(server.grpc_address());
  std::vector<double> took;
  const auto end = std::chrono::steady_clock::now() + time;
  for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto answer =
        Register(stub.get(), absl::StrCat(prefix, i, "@example.com"), "", std::chrono::seconds(10));
    if (!answer.status.ok()) std::abort();
    took.push_back(Milliseconds(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(took.begin(), took.end());
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

// Polls everything each second until it is destroyed.
class Operator {
 public:
  explicit Operator(const AuthServerProcess* server)
      : thread_([this, server] {
          while (!stop_) {
            for (const char* path : {"/livez", "/readyz", "/health/database", "/metrics",
                                     "/dashboard", "/dashboard/snapshot", "/debug/config"}) {
              (void)server->HttpGet(path);
            }
            LetPass(std::chrono::seconds(1));
          }
        }) {}
  ~Operator() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(int pairs, std::chrono::seconds half) {
  TestPostgres postgres(TestPostgres::Settings{{"fsync", "on"}, {"synchronous_commit", "on"}});
  const auto server = AuthServerProcess::Start({"--database-url=" + postgres.CreateDatabase()});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  (void)Measure(*server, "warm", std::chrono::seconds(1));
  std::vector<double> p50;
  std::vector<double> p99;
  for (int pair = 0; pair < pairs; ++pair) {
    const Latency alone = Measure(*server, absl::StrCat("alone", pair, "-"), half);
    Latency watched;
    {
      const Operator looks(&*server);
      watched = Measure(*server, absl::StrCat("watched", pair, "-"), half);
    }
    p50.push_back(watched.p50 / alone.p50);
    p99.push_back(watched.p99 / alone.p99);
    std::printf("pair %d: p50 %.2f ms, watched %.2f ms; p99 %.2f ms, watched %.2f ms\n", pair + 1,
                alone.p50, watched.p50, alone.p99, watched.p99);
    std::fflush(stdout);
  }
  std::printf("median ratios: p50 %.3f (at most 1.05 wanted), p99 %.3f (at most 1.25 wanted)\n",
              Median(p50), Median(p99));
  return Median(p50) <= 1.05 && Median(p99) <= 1.25 ? 0 : 1;
}

}  // namespace
}  // namespace auth::testing

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 5;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 10;
  return auth::testing::Main(std::max(pairs, 1), std::chrono::seconds(std::max(seconds, 1)));
}
