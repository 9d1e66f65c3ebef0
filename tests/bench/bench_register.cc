// How close registration comes to what the hardware can hash: registrations a second at 8 in flight
// through the real server and a real PostgreSQL, by raw Argon2id hashes a second of the same hasher
// on the same cores. Interleaved pairs, so that a noisy machine disturbs both; the median counts.
//
//   bench_register [pairs] [seconds for each half]

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
#include "absl/synchronization/blocking_counter.h"
#include "auth/v1/auth_service.grpc.pb.h"
#include "server/account/argon2_hasher.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kInFlight = 8;

// Keeps kInFlight calls in flight without a thread for each, so that the client takes little of the
// cores that are measured.
class RegisterStream {
 public:
  RegisterStream(const std::string& address, std::string prefix)
      : prefix_(std::move(prefix)), stub_(NewPlainStub(address)) {}

  // Registrations a second. Once.
  double Run(std::chrono::seconds time) {
    const auto begin = std::chrono::steady_clock::now();
    end_ = begin + time;
    for (int i = 0; i < kInFlight; ++i) Next();
    finished_.Wait();
    return static_cast<double>(ok_) / Seconds(std::chrono::steady_clock::now() - begin).count();
  }
  int failed() const { return failed_; }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::RegisterRequest request;
    v1::RegisterResponse response;
  };

  void Next() {
    auto* const call = new Call;
    call->request.set_email(absl::StrCat(prefix_, ++number_, "@example.com"));
    call->request.set_password(kGoodPassword);
    stub_->async()->Register(&call->context, &call->request, &call->response,
                             [this, call](const grpc::Status& status) {
                               ++(status.ok() ? ok_ : failed_);
                               delete call;
                               if (std::chrono::steady_clock::now() < end_) return Next();
                               finished_.DecrementCount();
                             });
  }

  const std::string prefix_;
  const std::unique_ptr<v1::AuthService::Stub> stub_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<int> number_ = 0;
  std::atomic<int> ok_ = 0;
  std::atomic<int> failed_ = 0;
  absl::BlockingCounter finished_{kInFlight};
};

// Raw hashes a second on all cores.
double HashRate(account::Argon2Hasher* hasher, int threads, std::chrono::seconds time) {
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> hashes = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      while (std::chrono::steady_clock::now() < begin + time) {
        if (!hasher->Hash(kGoodPassword).ok()) std::abort();
        ++hashes;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return hashes / Seconds(std::chrono::steady_clock::now() - begin).count();
}

int Main(int pairs, std::chrono::seconds half) {
  TestPostgres postgres(TestPostgres::Settings{{"fsync", "on"}, {"synchronous_commit", "on"}});
  auto server = AuthServerProcess::Start({"--database-url=" + postgres.CreateDatabase()});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  auto hasher = account::Argon2Hasher::Create({.parameters = {}, .arenas = threads});
  if (!hasher.ok()) return 1;

  (void)RegisterStream(server->grpc_address(), "warm").Run(std::chrono::seconds(1));
  std::vector<double> ratios;
  for (int pair = 0; pair < pairs; ++pair) {
    RegisterStream stream(server->grpc_address(), absl::StrCat("pair", pair, "-"));
    const double registrations = stream.Run(half);
    const double hashes = HashRate(hasher->get(), threads, half);
    ratios.push_back(registrations / hashes);
    std::printf("pair %d: %.1f registrations/s, %.1f hashes/s, ratio %.3f, %d failed\n", pair + 1,
                registrations, hashes, ratios.back(), stream.failed());
    std::fflush(stdout);
    if (stream.failed() > 0) return 1;
  }
  std::sort(ratios.begin(), ratios.end());
  const double median = ratios[ratios.size() / 2];
  std::printf("median ratio %.3f (at least 0.90 wanted)\n", median);
  return median >= 0.90 ? 0 : 1;
}

}  // namespace
}  // namespace auth::testing

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 5;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 5;
  return auth::testing::Main(std::max(pairs, 1), std::chrono::seconds(std::max(seconds, 1)));
}
