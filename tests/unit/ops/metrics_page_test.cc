#include "server/ops/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "pool/sql_error.h"
#include "pool/transaction_runner.h"
#include "server/ops/call_metrics.h"
#include "server/ops/pool_metrics.h"
#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

using std::chrono::milliseconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsPageTest : public ::testing::Test {
 protected:
  // A page of this moment.
  std::string Page() {
    clock_.Advance(std::chrono::seconds(1));
    return MetricsPage(*source_.Take());
  }

  // The value of a sample, written as in the page: `name{label="value"}`.
  double Value(const std::string& sample) {
    std::istringstream lines(Page());
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(sample + " ", 0) == 0) return std::stod(line.substr(sample.size()));
    }
    ADD_FAILURE() << "no sample " << sample;
    return -1;
  }

  prometheus::Registry registry_;
  PoolMetrics pool_metrics_{&registry_};
  CallMetrics call_metrics_{&registry_, {"Register", "SignIn"}, {"INVALID_FIELDS", "OVERLOADED"}};
  pool::PoolStats stats_;
  testing::FakeClock clock_;
  SnapshotSource source_{
      &registry_,
      {.ready = [] { return true; },
       .pool = [this] { return stats_; },
       .look_at_pool = [] {},
       .workers =
           [] {
             return std::vector<WorkerStats>{{"hash", 2, 2, 3}, {"store", 10, 1, 0}};
           },
       .events = [] { return std::vector<PoolEvent>(); },
       .log_lines_dropped = [] { return 4; },
       .version = "1.2.3"},
      &clock_};
};

// The published names and types, before anything has happened.
TEST_F(MetricsPageTest, EveryNameIsThereFromTheFirstScrape) {
  const std::map<std::string, std::string> expected = {
      {"auth_pool_connections", "gauge"},
      {"auth_pool_max", "gauge"},
      {"auth_pool_waiters", "gauge"},
      {"auth_pool_acquire_seconds", "histogram"},
      {"auth_pool_acquire_timeouts_total", "counter"},
      {"auth_pool_rejected_total", "counter"},
      {"auth_pool_connect_seconds", "histogram"},
      {"auth_pool_connect_failures_total", "counter"},
      {"auth_pool_retired_total", "counter"},
      {"auth_pool_validations_total", "counter"},
      {"auth_pool_generation", "gauge"},
      {"auth_pool_recreations_total", "counter"},
      {"auth_pool_breaker_state", "gauge"},
      {"auth_pool_leaks_total", "counter"},
      {"auth_tx_attempts_total", "counter"},
      {"auth_tx_in_doubt_total", "counter"},
      {"auth_rpc_requests_total", "counter"},
      {"auth_rpc_errors_total", "counter"},
      {"auth_rpc_duration_seconds", "histogram"},
      {"auth_queue_wait_seconds", "histogram"},
      {"auth_hash_seconds", "histogram"},
      {"auth_store_seconds", "histogram"},
      {"auth_worker_queue", "gauge"},
      {"auth_worker_running", "gauge"},
      {"auth_worker_threads", "gauge"},
      {"auth_database_up", "gauge"},
      {"auth_log_lines_dropped_total", "counter"},
      {"auth_snapshot_sequence", "gauge"},
      {"auth_build_info", "gauge"},
      {"process_cpu_seconds_total", "counter"},
      {"process_resident_memory_bytes", "gauge"},
      {"process_virtual_memory_bytes", "gauge"},
      {"process_open_fds", "gauge"},
      {"process_max_fds", "gauge"},
      {"process_threads", "gauge"},
      {"process_start_time_seconds", "gauge"}};
  std::map<std::string, std::string> found;
  std::set<std::string> documented;
  std::istringstream lines(Page());
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, keyword, name, rest;
    words >> hash >> keyword >> name >> rest;
    if (hash == "#" && keyword == "TYPE") {
      EXPECT_TRUE(found.emplace(name, rest).second) << name << " occurs twice";
    }
    if (hash == "#" && keyword == "HELP" && !rest.empty()) documented.insert(name);
  }
  EXPECT_EQ(found, expected);
  for (const auto& [name, type] : found) EXPECT_EQ(documented.count(name), 1U) << name;
}

TEST_F(MetricsPageTest, EveryEventIsZeroAtFirst) {
  const std::regex counter("(auth_\\S+_total(\\{.*\\})?|auth_\\S+_count(\\{.*\\})?) (\\S+)");
  std::istringstream lines(Page());
  int samples = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, counter) || line.rfind("auth_log", 0) == 0) continue;
    EXPECT_EQ(match[4], "0") << line;
    ++samples;
  }
  EXPECT_GT(samples, 100);
}

TEST_F(MetricsPageTest, PoolGaugesAreReadAtTheScrape) {
  stats_.connecting = 1;
  stats_.validating = 2;
  stats_.idle = 3;
  stats_.in_use = 4;
  stats_.resetting = 5;
  stats_.max = 20;
  stats_.waiters = 6;
  stats_.generation = 7;
  stats_.breaker = pool::BreakerState::kOpen;
  EXPECT_EQ(Value("auth_pool_connections{state=\"connecting\"}"), 1);
  EXPECT_EQ(Value("auth_pool_connections{state=\"validating\"}"), 2);
  EXPECT_EQ(Value("auth_pool_connections{state=\"idle\"}"), 3);
  EXPECT_EQ(Value("auth_pool_connections{state=\"in_use\"}"), 4);
  EXPECT_EQ(Value("auth_pool_connections{state=\"resetting\"}"), 5);
  EXPECT_EQ(Value("auth_pool_max"), 20);
  EXPECT_EQ(Value("auth_pool_waiters"), 6);
  EXPECT_EQ(Value("auth_pool_generation"), 7);
  EXPECT_EQ(Value("auth_pool_breaker_state"), 1);
  stats_.idle = 0;
  EXPECT_EQ(Value("auth_pool_connections{state=\"idle\"}"), 0);
}

TEST_F(MetricsPageTest, WorkersVersionAndLog) {
  EXPECT_EQ(Value("auth_worker_queue{pool=\"hash\"}"), 3);
  EXPECT_EQ(Value("auth_worker_running{pool=\"store\"}"), 1);
  EXPECT_EQ(Value("auth_build_info{version=\"1.2.3\"}"), 1);
  EXPECT_EQ(Value("auth_log_lines_dropped_total"), 4);
}

TEST_F(MetricsPageTest, ProcessValuesAreOurs) {
  EXPECT_GT(Value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(Value("process_open_fds"), 2);
  EXPECT_GE(Value("process_max_fds"), Value("process_open_fds"));
  EXPECT_GE(Value("process_threads"), 1);
  const auto now = std::chrono::duration<double>(RealClock().Now().time_since_epoch()).count();
  EXPECT_NEAR(Value("process_start_time_seconds"), now, 3600);
  EXPECT_GT(Value("process_cpu_seconds_total"), -1e-9);
}

// One event each of every kind.
TEST_F(MetricsPageTest, CountsThePoolsEvents) {
  pool_metrics_.OnAcquire(pool::AcquireResult::kOk, milliseconds(3));
  pool_metrics_.OnAcquire(pool::AcquireResult::kTimeout, milliseconds(400));
  pool_metrics_.OnAcquire(pool::AcquireResult::kRejected, milliseconds(0));
  pool_metrics_.OnAcquire(pool::AcquireResult::kUnavailable, milliseconds(0));
  EXPECT_EQ(Value("auth_pool_acquire_seconds_count"), 4) << "one count an acquire";
  EXPECT_NEAR(Value("auth_pool_acquire_seconds_sum"), .403, 1e-9);
  EXPECT_EQ(Value("auth_pool_acquire_seconds_bucket{le=\"0.0025\"}"), 2);
  EXPECT_EQ(Value("auth_pool_acquire_seconds_bucket{le=\"0.005\"}"), 3);
  EXPECT_EQ(Value("auth_pool_acquire_timeouts_total"), 1);
  EXPECT_EQ(Value("auth_pool_rejected_total"), 2);

  pool_metrics_.OnConnected(milliseconds(20));
  EXPECT_EQ(Value("auth_pool_connect_seconds_count"), 1);
  pool_metrics_.OnLeak(milliseconds(1));
  EXPECT_EQ(Value("auth_pool_leaks_total"), 1);
  pool_metrics_.OnInDoubt("replayed");
  EXPECT_EQ(Value("auth_tx_in_doubt_total{resolution=\"replayed\"}"), 1);
  EXPECT_EQ(Value("auth_tx_in_doubt_total{resolution=\"unknown\"}"), 0);
}

TEST_F(MetricsPageTest, EveryLabelCountsItsOwnEvent) {
  for (int i = 0; i <= static_cast<int>(pool::RetireReason::kDrained); ++i) {
    const auto reason = static_cast<pool::RetireReason>(i);
    pool_metrics_.OnRetired(reason);
    EXPECT_EQ(Value("auth_pool_retired_total{reason=\"" + std::string(pool::Name(reason)) + "\"}"),
              1);
  }
  for (int i = 0; i <= static_cast<int>(pool::RecreateReason::kRequested); ++i) {
    const auto reason = static_cast<pool::RecreateReason>(i);
    pool_metrics_.OnRecreated(reason, 2);
    EXPECT_EQ(
        Value("auth_pool_recreations_total{reason=\"" + std::string(pool::Name(reason)) + "\"}"),
        1);
  }
  for (int i = 0; i <= static_cast<int>(pool::SqlFault::kPermanent); ++i) {
    const auto fault = static_cast<pool::SqlFault>(i);
    const std::string name(pool::SqlFaultName(fault));
    pool_metrics_.OnConnectFailed(1, 3, pool::MakeSqlStatus({fault, "", ""}, "no"));
    EXPECT_EQ(Value("auth_pool_connect_failures_total{class=\"" + name + "\"}"), 1);
    pool_metrics_.OnAttempt(pool::Effect::kIdempotent, name);
    EXPECT_EQ(Value("auth_tx_attempts_total{effect=\"idempotent\",result=\"" + name + "\"}"), 1);
  }
  pool_metrics_.OnConnectFailed(1, 3, absl::UnavailableError("not from the database"));
  EXPECT_EQ(Value("auth_pool_connect_failures_total{class=\"other\"}"), 1);
  pool_metrics_.OnAttempt(pool::Effect::kReadOnly, "");
  EXPECT_EQ(Value("auth_tx_attempts_total{effect=\"read_only\",result=\"ok\"}"), 1);
  pool_metrics_.OnAttempt(pool::Effect::kOnce, "something new");
  EXPECT_EQ(Value("auth_tx_attempts_total{effect=\"once\",result=\"other\"}"), 1);
  for (const auto tier : {pool::ValidationTier::kPeek, pool::ValidationTier::kPing}) {
    for (const bool alive : {false, true}) {
      pool_metrics_.OnValidated(tier, alive);
      EXPECT_EQ(
          Value("auth_pool_validations_total{result=\"" + std::string(alive ? "alive" : "dead") +
                "\",tier=\"" + std::string(pool::Name(tier)) + "\"}"),
          1);
    }
  }
}

TEST_F(MetricsPageTest, CountsCalls) {
  CallRecord record;
  record.rpc = "Register";
  record.code = "OK";
  record.duration = milliseconds(20);
  record.hash_time = milliseconds(15);
  call_metrics_.OnCall(record);
  record.code = "RESOURCE_EXHAUSTED";
  record.reason = "OVERLOADED";
  record.hash_time = {};
  call_metrics_.OnCall(record);
  EXPECT_EQ(Value("auth_rpc_requests_total{code=\"OK\",rpc=\"Register\"}"), 1);
  EXPECT_EQ(Value("auth_rpc_requests_total{code=\"RESOURCE_EXHAUSTED\",rpc=\"Register\"}"), 1);
  EXPECT_EQ(Value("auth_rpc_requests_total{code=\"OK\",rpc=\"SignIn\"}"), 0);
  EXPECT_EQ(Value("auth_rpc_errors_total{reason=\"OVERLOADED\",rpc=\"Register\"}"), 1);
  EXPECT_EQ(Value("auth_rpc_duration_seconds_count{rpc=\"Register\"}"), 2);
  EXPECT_EQ(Value("auth_hash_seconds_count"), 1) << "only calls that hashed";
  EXPECT_EQ(Value("auth_queue_wait_seconds_count"), 2);
  EXPECT_EQ(Value("auth_store_seconds_count"), 0);
}

TEST_F(MetricsPageTest, UnknownLabelsDoNotMakeThePageGrow) {
  const std::string before = Page();
  for (int i = 0; i < 100; ++i) {
    const std::string name = "Attack" + std::to_string(i);
    CallRecord record;
    record.rpc = record.code = record.reason = name;
    call_metrics_.OnCall(record);
  }
  EXPECT_EQ(Value("auth_rpc_requests_total{code=\"other\",rpc=\"other\"}"), 100);
  EXPECT_EQ(Value("auth_rpc_errors_total{reason=\"other\",rpc=\"other\"}"), 100);
  const std::string after = Page();
  EXPECT_EQ(std::count(before.begin(), before.end(), '\n'),
            std::count(after.begin(), after.end(), '\n'));
}

}  // namespace
}  // namespace auth::ops
