// Another server becomes the primary, and the old one ends, or lives on and takes no writes
// (25006).

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_url.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/outage.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/standby_postgres.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A database that moves to a new standby in every round.
class Switchover : public ::testing::Test {
 protected:
  void AddStandby() { standby_ = std::make_unique<StandbyPostgres>(PrimaryUrl()); }
  // The old primary, if it still runs, does so until the next promotion.
  void PromoteStandby() {
    standby_->Promote();
    old_ = std::exchange(promoted_, std::move(standby_));
  }
  // Sends the standby all there is.
  void StopPrimary() { promoted_ ? promoted_->Stop() : first_.Stop(); }

  std::string PrimaryUrl() const { return promoted_ ? promoted_->url() : first_.url(); }
  int PrimaryPort() const { return promoted_ ? promoted_->port() : first_.port(); }
  // The service's database at the primary.
  std::string Url() const { return WithLoopbackPort(url_, PrimaryPort()); }

  void LetLoadPass() { LetPass(milliseconds(1000 + random_() % 500)); }
  void ExpectNothingFailed(MixedLoad* load) const {
    load->Stop();
    std::printf("%d switchovers, %ld calls OK, %ld failed\n", rounds_, load->ok(), load->failed());
    EXPECT_EQ(load->failed(), 0) << load->failures();
  }

  void ExpectOldPrimaryIsLeft(TcpGate* gate, const MixedLoad& load);

  const int rounds_ = ShortOrLong(1, 8);
  std::mt19937_64 random_{TestSeed()};
  TestPostgres first_;
  const std::string url_ = first_.CreateDatabase();
  std::unique_ptr<StandbyPostgres> old_;
  std::unique_ptr<StandbyPostgres> promoted_;
  std::unique_ptr<StandbyPostgres> standby_;
  History history_;
};

TEST_F(Switchover, PlannedBehindASwitch) {
  TcpGate gate(PrimaryPort());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    AddStandby();
    LetLoadPass();
    Outage outage;
    outage.began = std::chrono::steady_clock::now();
    StopPrimary();
    LetPass(seconds(3));
    PromoteStandby();
    gate.SetTarget(PrimaryPort());
    outage.over = std::chrono::steady_clock::now();
    ExpectOutageKeepsPace(outage, load, gate);
  }
  LetLoadPass();
  ExpectNothingFailed(&load);
  ExpectServiceRestored(server->grpc_address(), Url(), &history_, seconds(5));
}

// The service has two addresses, and they take turns: where a primary has ended, the next standby
// begins.
TEST_F(Switchover, PlannedWithBothHostsInTheUrl) {
  AddStandby();
  std::array<TcpGate, 2> hosts = {TcpGate(first_.port()), TcpGate(standby_->port())};
  auto server = AuthServerProcess::Start(WithCheapHashing(
      {absl::StrCat("--database-url=",
                    WithAddress(url_, absl::StrCat("127.0.0.1:", hosts[0].port(),
                                                   ",127.0.0.1:", hosts[1].port())),
                    "?target_session_attrs=read-write")}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    TcpGate& primary = hosts[static_cast<size_t>(round) % hosts.size()];
    TcpGate& other = hosts[static_cast<size_t>(round + 1) % hosts.size()];
    if (!standby_) AddStandby();
    other.SetTarget(standby_->port());
    other.Accept();
    LetLoadPass();
    StopPrimary();
    primary.Refuse();
    LetPass(seconds(3));
    PromoteStandby();
    const auto over = std::chrono::steady_clock::now();
    EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(over) != MixedLoad::TimePoint::max(); }));
    EXPECT_LE(load.FirstOkAfter(over) - over, milliseconds(600)) << "the new primary is found";
  }
  LetLoadPass();
  ExpectNothingFailed(&load);
  ExpectServiceRestored(server->grpc_address(), Url(), &history_, seconds(5));
}

// Makes the primary one that keeps its sessions and refuses what they write, and another one the
// primary three seconds later.
void Switchover::ExpectOldPrimaryIsLeft(TcpGate* gate, const MixedLoad& load) {
  SqlConnection primary(PrimaryUrl());
  SqlConnection left(Url());
  // Nothing is written until every transaction is one that may not write: those that began before
  // wait for the fence, and give up after lock_timeout.
  auto fence = std::make_unique<SqlConnection>(Url());
  fence->Execute("BEGIN; LOCK TABLE users, sessions IN EXCLUSIVE MODE");
  primary.Execute("ALTER SYSTEM SET default_transaction_read_only = on");
  primary.Execute("SELECT pg_reload_conf()");
  LetPass(milliseconds(500));  // until every process has been told
  const std::string told = primary.QueryValue("SELECT clock_timestamp()");
  ASSERT_TRUE(Eventually([&] {
    return primary.QueryValue(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'auth_server' AND "
               "state <> 'idle' AND xact_start <= $1::timestamptz",
               {told}) == "0";
  }));
  fence.reset();
  const auto useless = std::chrono::steady_clock::now();
  LetPass(seconds(3));
  const auto connects = gate->AcceptedWithin(useless, std::chrono::steady_clock::now());
  EXPECT_LE(MostWithin(connects, seconds(1)), 5) << "a server of no use is not asked more often";
  EXPECT_LE(connects.size(), 14U) << "four a second, and the edges";
  standby_->CatchUp(primary);
  PromoteStandby();
  gate->SetTarget(PrimaryPort());
  const auto over = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(over) != MixedLoad::TimePoint::max(); }));
  EXPECT_TRUE(Eventually([&] {
    return left.QueryValue(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'auth_server' AND "
               "datname = current_database()") == "0";
  })) << "nobody stays with the old primary";
}

// Only writes are under way: what an old session reads is the past, and nothing in it says so.
TEST_F(Switchover, TheOldPrimaryBecomesReadOnly) {
  TcpGate gate(PrimaryPort());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(),
                 {.registrations_per_second = 50, .validations_per_second = 0}, &history_);
  const auto retired = [&] {
    return server->Metric("auth_pool_retired_total{reason=\"read_only\"}");
  };
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    AddStandby();
    LetLoadPass();
    const double before = std::max(0.0, retired());
    ASSERT_NO_FATAL_FAILURE(ExpectOldPrimaryIsLeft(&gate, load));
    EXPECT_GE(retired(), before + 1);
  }
  LetLoadPass();
  ExpectNothingFailed(&load);
  ExpectServiceRestored(server->grpc_address(), Url(), &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
