// Another server becomes the primary, and the old one ends, or lives on and takes no writes
// (25006).

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
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

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Switchover : public ::testing::Test {
 protected:
  // `url` with the primary's and the standby's address.
  std::string WithBothHosts(const std::string& url, const StandbyPostgres& standby) const {
    const size_t host = url.find('@') + 1;
    const size_t path = url.find('/', host);
    return absl::StrCat(url.substr(0, host), "127.0.0.1:", primary_.port(),
                        ",127.0.0.1:", standby.port(), url.substr(path),
                        "?target_session_attrs=read-write");
  }

  TestPostgres primary_;
  const std::string url_ = primary_.CreateDatabase();
  History history_;
};

TEST_F(Switchover, PlannedBehindASwitch) {
  TcpGate gate(primary_.port());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  StandbyPostgres standby(primary_);
  MixedLoad load(server->grpc_address(), {}, &history_);
  LetPass(seconds(1));

  Outage outage;
  outage.began = std::chrono::steady_clock::now();
  primary_.Stop();  // sends the standby all there is
  LetPass(seconds(3));
  standby.Promote();
  gate.SetTarget(standby.port());
  outage.over = std::chrono::steady_clock::now();
  ExpectOutageKeepsPace(outage, load, gate);
  LetPass(seconds(1));

  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), standby.Url(url_), &history_, seconds(5));
}

TEST_F(Switchover, PlannedWithBothHostsInTheUrl) {
  StandbyPostgres standby(primary_);
  auto server = AuthServerProcess::Start(
      WithCheapHashing({"--database-url=" + WithBothHosts(url_, standby)}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);
  LetPass(seconds(1));

  primary_.Stop();
  LetPass(seconds(3));
  standby.Promote();
  const auto over = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(over) != MixedLoad::TimePoint::max(); }));
  EXPECT_LE(load.FirstOkAfter(over) - over, milliseconds(600)) << "the new primary is found";
  LetPass(seconds(1));

  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), standby.Url(url_), &history_, seconds(5));
}

// The old primary keeps its sessions and refuses what they write. Only writes are under way: what
// an old session reads is the past, and nothing in it says so.
TEST_F(Switchover, TheOldPrimaryBecomesReadOnly) {
  TcpGate gate(primary_.port());
  auto server =
      AuthServerProcess::Start(WithCheapHashing({"--database-url=" + gate.Through(url_)}));
  ASSERT_THAT(server, IsOk());
  StandbyPostgres standby(primary_);
  MixedLoad load(server->grpc_address(),
                 {.registrations_per_second = 50, .validations_per_second = 0}, &history_);
  LetPass(seconds(1));

  // Nothing is written until every transaction is one that may not write: those that began before
  // wait for the fence, and give up after lock_timeout.
  auto fence = std::make_unique<SqlConnection>(url_);
  fence->Execute("BEGIN; LOCK TABLE users, sessions IN EXCLUSIVE MODE");
  primary_.Execute("ALTER SYSTEM SET default_transaction_read_only = on");
  primary_.Execute("SELECT pg_reload_conf()");
  LetPass(milliseconds(500));  // until every process has been told
  const std::string told = primary_.QueryValue("SELECT clock_timestamp()");
  ASSERT_TRUE(Eventually([&] {
    return primary_.QueryValue(absl::StrCat(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'auth_server' AND "
               "state <> 'idle' AND xact_start <= '",
               told, "'")) == "0";
  }));
  fence.reset();
  const auto useless = std::chrono::steady_clock::now();
  LetPass(seconds(3));
  const auto connects = gate.AcceptedWithin(useless, std::chrono::steady_clock::now());
  EXPECT_LE(MostWithin(connects, seconds(1)), 5) << "a server of no use is not asked more often";
  EXPECT_LE(connects.size(), 14U) << "four a second, and the edges";
  standby.CatchUp(primary_);
  standby.Promote();
  gate.SetTarget(standby.port());
  const auto over = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(over) != MixedLoad::TimePoint::max(); },
                         seconds(10)));
  LetPass(seconds(1));

  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  EXPECT_GE(server->Metric("auth_pool_retired_total{reason=\"read_only\"}"), 1);
  ExpectServiceRestored(server->grpc_address(), standby.Url(url_), &history_, seconds(5));
  EXPECT_EQ(SqlConnection(url_).QueryValue(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'auth_server' "
                "AND datname = current_database()"),
            "0")
      << "nobody stays with the old primary";
}

}  // namespace
}  // namespace auth::testing
