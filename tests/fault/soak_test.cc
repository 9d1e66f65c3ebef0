// Mixed traffic for a long time with a fault every ten seconds: no call fails, nothing is lost, and
// the server holds no more at the end than at the beginning.
//
// Five minutes, two hours in a long run, or TEST_SOAK_SECONDS.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/process_usage.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using TimePoint = MixedLoad::TimePoint;

constexpr seconds kBetweenFaults(10);
constexpr seconds kCallTimeout(15);
// How long a freeze or a black hole lasts: calls get slow, and must not fail.
constexpr seconds kSilence(3);
// What the allocators of a process may still gather when everything has been used once.
constexpr int64_t kMostGrowthKib = 4096;
// gRPC's own threads come and go by ones and twos.
constexpr int kMoreThreads = 2;

// At least two faults.
seconds SoakTime() {
  const char* given = std::getenv("TEST_SOAK_SECONDS");
  if (given != nullptr)
    return std::max(seconds(std::strtol(given, nullptr, 10)), 2 * kBetweenFaults);
  return ShortOrLong(seconds(minutes(5)), seconds(minutes(120)));
}

int64_t Median(std::vector<int64_t> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// How much more there was in the last quarter than in the second one.
int64_t Growth(const std::vector<int64_t>& samples) {
  const auto quarter = static_cast<ptrdiff_t>(samples.size() / 4);
  const auto begin = samples.begin();
  return Median({begin + 3 * quarter, samples.end()}) -
         Median({begin + quarter, begin + 2 * quarter});
}

class SoakTest : public ::testing::Test {
 protected:
  struct Fault {
    std::string name;
    std::function<void()> inflict;
  };

  void SetUp() override {
    auto started = AuthServerProcess::Start(WithCheapHashing(
        {"--database-url=" + gate_.Through(url_), "--pool-idle-timeout=3s", "--rate-limit=off"}));
    ASSERT_THAT(started, IsOk());
    server_ = std::make_unique<AuthServerProcess>(*std::move(started));
  }

  std::vector<Fault> Faults() {
    using dev::EmbeddedPostgres;
    return {
        {"all sessions killed",
         [this] { EXPECT_TRUE(Eventually([this] { return postgres_.KillBackends() > 0; })); }},
        {"restart", [this] { postgres_.Restart(); }},
        {"crash and recovery",
         [this] {
           postgres_.Stop(EmbeddedPostgres::StopMode::kImmediate);
           postgres_.Restart();
         }},
        {"a frozen session",
         [this] {
           std::optional<FrozenProcess> frozen;
           EXPECT_TRUE(Eventually([&] { return FreezeOne(&frozen); }));
           LetPass(kSilence);
         }},
        {"all connections reset",
         [this] { EXPECT_TRUE(Eventually([this] { return gate_.Reset() > 0; })); }},
        {"a black hole",
         [this] {
           gate_.Hold();
           LetPass(kSilence);
           gate_.Resume();
         }},
    };
  }

  // False if there is no session at the moment, or if it is just ending.
  bool FreezeOne(std::optional<FrozenProcess>* frozen) {
    const std::vector<pid_t> backends = postgres_.BackendPids();
    if (backends.empty()) return false;
    try {
      frozen->emplace(postgres_.Freeze(backends[random_() % backends.size()]));
    } catch (const std::runtime_error&) {
      return false;
    }
    return true;
  }

  // Idle, with every connection closed for lack of use.
  ProcessUsage AtRest() {
    EXPECT_TRUE(Eventually(
        [this] {
          return postgres_.BackendPids().empty() &&
                 server_->Metric("auth_pool_connections{state=\"idle\"}") == 0 &&
                 server_->Metric("auth_pool_connections{state=\"in_use\"}") == 0;
        },
        seconds(30)))
        << "idle connections are closed";
    return UsageOf(server_->pid());
  }

  // What the first use of everything makes is not what a soak is about.
  void WarmUp() {
    MixedLoad load(server_->grpc_address(), {.timeout = kCallTimeout, .email_prefix = "warm"},
                   &history_);
    for (const Fault& fault : Faults()) {
      fault.inflict();
      const auto over = std::chrono::steady_clock::now();
      EXPECT_TRUE(
          Eventually([&] { return load.FirstOkAfter(over) != TimePoint::max(); }, kCallTimeout));
    }
    load.Stop();
    EXPECT_EQ(load.failed(), 0) << load.failures();
  }

  // A fault every ten seconds under load, for as long as the soak takes. Returns the server's
  // memory of each quiet second, in KiB.
  std::vector<int64_t> Soak() {
    std::vector<Fault> faults = Faults();
    std::vector<int64_t> resident;
    milliseconds longest{};
    int inflicted = 0;
    MixedLoad load(server_->grpc_address(), {.timeout = kCallTimeout, .email_prefix = "soak"},
                   &history_);
    const TimePoint begin = std::chrono::steady_clock::now();
    const TimePoint end = begin + SoakTime();
    for (TimePoint next = begin + kBetweenFaults; next <= end; next += kBetweenFaults) {
      const size_t turn = static_cast<size_t>(inflicted++) % faults.size();
      if (turn == 0) std::shuffle(faults.begin(), faults.end(), random_);
      faults[turn].inflict();
      const TimePoint over = std::chrono::steady_clock::now();
      EXPECT_TRUE(
          Eventually([&] { return load.FirstOkAfter(over) != TimePoint::max(); }, kCallTimeout))
          << faults[turn].name;
      longest = std::max(longest,
                         std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - over));
      while (std::chrono::steady_clock::now() < next) {
        resident.push_back(UsageOf(server_->pid()).resident_kib);
        LetPass(seconds(1));
      }
    }
    load.Stop();
    std::printf("%d faults, %ld answered OK, %ld failed, service back after %ld ms at the latest\n",
                inflicted, load.ok(), load.failed(), longest.count());
    EXPECT_EQ(load.failed(), 0) << load.failures();
    return resident;
  }

  std::mt19937_64 random_{TestSeed()};
  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  TcpGate gate_{postgres_.port()};
  std::unique_ptr<AuthServerProcess> server_;
  History history_;
};

TEST_F(SoakTest, NothingFailsAndNothingIsKept) {
  WarmUp();
  const ProcessUsage base = AtRest();
  const std::vector<int64_t> resident = Soak();

  ProcessUsage after;
  EXPECT_TRUE(Eventually(
      [&] {
        after = AtRest();
        return after.descriptors <= base.descriptors &&
               after.threads <= base.threads + kMoreThreads;
      },
      seconds(30)))
      << "at rest it holds what it held before";
  const int64_t growth = Growth(resident);
  std::printf(
      "at rest before and after: descriptors %d and %d, threads %d and %d, memory %ld and %ld KiB; "
      "memory under load grew by %ld KiB from the second to the last quarter\n",
      base.descriptors, after.descriptors, base.threads, after.threads, base.resident_kib,
      after.resident_kib, growth);
  EXPECT_TRUE(kAddressSanitizer || growth <= kMostGrowthKib) << "memory grows";
  ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
