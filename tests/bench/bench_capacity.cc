// What one call costs the service and its database: prints the inputs of deploy/capacity.py. Costs
// are processor time, which other load on the machine hardly disturbs; of several rounds the median
// counts.
//
//   bench_capacity [rounds] [seconds for each part of a round] >inputs

#include <grpcpp/grpcpp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "auth/v1/auth_service.grpc.pb.h"
#include "server/account/argon2_hasher.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
// Begins the call of this number; tells its end.
using BeginCall = std::function<void(int number, std::function<void(const grpc::Status&)> done)>;

constexpr int kInFlight = 64;
constexpr int kSessions = 1000;

// Of one process: its parent, and its processor time with that of its children that have ended.
struct ProcessCpu {
  pid_t parent = 0;
  double seconds = 0;
};

ProcessCpu ReadProcessCpu(const std::filesystem::path& proc) {
  std::ifstream file(proc / "stat");
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(')');  // a name may contain anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  ProcessCpu cpu;
  std::string state;
  fields >> state >> cpu.parent;
  std::string skipped;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  for (int i = 0; i < 4; ++i) {
    double ticks = 0;
    fields >> ticks;
    cpu.seconds += ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  return cpu;
}

// Processor seconds of a process and its children until now.
double CpuOf(pid_t root) {
  double total = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const ProcessCpu cpu = ReadProcessCpu(entry.path());
    if (pid == root || cpu.parent == root) total += cpu.seconds;
  }
  return total;
}

double CpuOfThisThread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Processor seconds of one password hash.
double HashCost(std::chrono::seconds time) {
  static const auto hasher = *account::Argon2Hasher::Create({});
  if (!hasher->Hash(kGoodPassword).ok()) std::abort();
  const double before = CpuOfThisThread();
  const auto end = SteadyClock::now() + time;
  int hashes = 0;
  for (; SteadyClock::now() < end; ++hashes) {
    if (!hasher->Hash(kGoodPassword).ok()) std::abort();
  }
  return (CpuOfThisThread() - before) / hashes;
}

// Keeps kInFlight calls in flight without a thread for each.
class CallStream {
 public:
  // `begin` is called for the numbers from `first` on while `more` says so.
  CallStream(BeginCall begin, int first, std::function<bool(int number)> more)
      : begin_(std::move(begin)), more_(std::move(more)), number_(first) {}

  void Run() {
    for (int i = 0; i < kInFlight; ++i) Next();
    finished_.Wait();
  }
  int begun() const { return begun_; }

 private:
  void Next() {
    const int number = number_++;
    if (!more_(number)) {
      finished_.DecrementCount();
      return;
    }
    ++begun_;
    begin_(number, [this](const grpc::Status& status) {
      if (!status.ok()) {
        std::fprintf(stderr, "a call failed: %s\n", status.error_message().c_str());
        std::exit(1);
      }
      Next();
    });
  }

  const BeginCall begin_;
  const std::function<bool(int)> more_;
  std::atomic<int> number_;
  std::atomic<int> begun_ = 0;
  absl::BlockingCounter finished_{kInFlight};
};

// One server on one database, and calls of two kinds to it.
class Subject {
 public:
  Subject(TestPostgres* postgres, const std::string& url, std::vector<std::string> flags)
      : postgres_(postgres), url_(url), tokens_(kSessions) {
    flags.push_back("--database-url=" + url);
    auto server = AuthServerProcess::Start(WithCheapHashing(std::move(flags)));
    if (!server.ok()) {
      std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
      std::exit(1);
    }
    server_ = std::make_unique<AuthServerProcess>(*std::move(server));
    stub_ = NewPlainStub(server_->grpc_address());
    prefix_ = absl::StrCat("user-", server_->pid(), "-");
    CallStream(BeginRegister(), 0, [](int number) { return number < kSessions; }).Run();
  }

  // What the calls of `time` cost, by the name of the input without the call's.
  std::map<std::string, double> Measure(const BeginCall& begin, std::chrono::seconds time) {
    const double server = CpuOf(server_->pid());
    const double database = CpuOf(postgres_->postmaster_pid());
    const double wal = WalBytes();
    const double stored = StoredBytes();
    const auto start = SteadyClock::now();
    CallStream calls(begin, next_, [end = start + time](int) { return SteadyClock::now() < end; });
    calls.Run();
    const double count = calls.begun();
    next_ += calls.begun() + kInFlight;
    const Seconds took = SteadyClock::now() - start;
    return {{"service_ms", (CpuOf(server_->pid()) - server) / count * 1e3},
            {"database_ms", (CpuOf(postgres_->postmaster_pid()) - database) / count * 1e3},
            {"wal_bytes", (WalBytes() - wal) / count},
            {"stored_bytes", (StoredBytes() - stored) / count},
            {"took_ms", took.count() / count * 1e3}};
  }

  BeginCall BeginRegister() {
    return [this](int number, const std::function<void(const grpc::Status&)>& done) {
      struct Call {
        grpc::ClientContext context;
        v1::RegisterRequest request;
        v1::RegisterResponse response;
      };
      auto* const call = new Call;
      call->request.set_email(absl::StrCat(prefix_, number, "@example.com"));
      call->request.set_password(kGoodPassword);
      stub_->async()->Register(&call->context, &call->request, &call->response,
                               [this, call, number, done](const grpc::Status& status) {
                                 if (number < kSessions) {
                                   tokens_[static_cast<size_t>(number)] =
                                       call->response.session().session_token();
                                 }
                                 delete call;
                                 done(status);
                               });
    };
  }

  BeginCall BeginValidate() {
    return [this](int number, const std::function<void(const grpc::Status&)>& done) {
      struct Call {
        grpc::ClientContext context;
        v1::ValidateSessionRequest request;
        v1::ValidateSessionResponse response;
      };
      auto* const call = new Call;
      call->request.set_session_token(tokens_[static_cast<size_t>(number % kSessions)]);
      stub_->async()->ValidateSession(&call->context, &call->request, &call->response,
                                      [call, done](const grpc::Status& status) {
                                        delete call;
                                        done(status);
                                      });
    };
  }

 private:
  double WalBytes() {
    return std::stod(postgres_->QueryValue("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"));
  }
  double StoredBytes() {
    const std::string name = url_.substr(url_.rfind('/') + 1, url_.find('?') - url_.rfind('/') - 1);
    return std::stod(postgres_->QueryValue("SELECT pg_database_size('" + name + "')"));
  }

  TestPostgres* const postgres_;
  const std::string url_;
  std::vector<std::string> tokens_;
  std::unique_ptr<AuthServerProcess> server_;
  std::unique_ptr<v1::AuthService::Stub> stub_;
  std::string prefix_;
  int next_ = kSessions;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(int rounds, std::chrono::seconds time) {
  TestPostgres postgres(TestPostgres::Settings{{"fsync", "on"}, {"synchronous_commit", "on"}});
  const std::string url = postgres.CreateDatabase();
  Subject many(&postgres, url, {});
  Subject one(&postgres, url, {"--pool-max-connections=1"});
  std::map<std::string, std::vector<double>> inputs;
  for (int round = 0; round < rounds; ++round) {
    inputs["hash_ms"].push_back(HashCost(time) * 1e3);
    for (auto [name, value] : many.Measure(many.BeginRegister(), time)) {
      if (name != "took_ms") inputs["register_" + name].push_back(value);
    }
    for (auto [name, value] : many.Measure(many.BeginValidate(), time)) {
      if (name != "service_ms" && name != "database_ms") continue;
      inputs["validate_" + name].push_back(value);
    }
    // One connection is always at work: a call takes what it holds a connection.
    const double register_held = one.Measure(one.BeginRegister(), time)["took_ms"];
    inputs["register_held_ms"].push_back(register_held);
    inputs["validate_held_ms"].push_back(one.Measure(one.BeginValidate(), time)["took_ms"]);
    std::fprintf(stderr, "round %d of %d\n", round + 1, rounds);
  }
  for (const auto& [name, values] : inputs) std::printf("%s %.4g\n", name.c_str(), Median(values));
  return 0;
}

}  // namespace
}  // namespace auth::testing

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 5;
  return auth::testing::Main(std::max(rounds, 1), std::chrono::seconds(std::max(seconds, 1)));
}
