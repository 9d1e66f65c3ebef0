// Somebody holds a lock that registrations need: a migration of somebody else, a person with psql.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;

// Keeps writers out of `users`, but no readers.
constexpr char kLock[] = "BEGIN; LOCK TABLE users IN SHARE MODE";

class HeldLock : public PostgresTest {
 protected:
  int Users() { return std::stoi(other_->QueryValue("SELECT count(*) FROM users")); }

  const std::string url_ = postgres().CreateDatabase();
  // Who holds the lock, to the end of the session at the latest.
  std::unique_ptr<SqlConnection> other_ = std::make_unique<SqlConnection>(url_);
  History history_;
};

// Longer than lock_timeout, so that waiting calls give up the lock and ask for it again.
TEST_F(HeldLock, CallersWithTimeLeftWaitForIt) {
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url=" + url_}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);
  const int rounds = ShortOrLong(1, 20);
  for (int round = 0; round < rounds; ++round) {
    LetPass(seconds(1));
    other_->Execute(kLock);
    LetPass(seconds(5));
    const int before = Users();
    other_->Execute("COMMIT");
    EXPECT_TRUE(Eventually([&] { return Users() > before; }, seconds(5)));
  }
  load.Stop();
  EXPECT_GT(server->Metric("auth_tx_attempts_total{effect=\"idempotent\",result=\"lock_timeout\"}"),
            0);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

TEST_F(HeldLock, CallsEndAtTheServersDeadlineAndNothingIsStoredLater) {
  // What the server itself gives up before the deadline, it would not do later in any case.
  auto server = AuthServerProcess::Start(
      StrandedCalls::Flags(url_ + "?options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0"));
  ASSERT_THAT(server, IsOk());
  StrandedCalls::AwaitIdleConnections(*server);
  other_->Execute(kLock);
  StrandedCalls calls(&*server, &postgres(), url_, &history_, StrandedCalls::Others::kWaiting);
  calls.ExpectEndedInTime();
  other_.reset();
  calls.ExpectNothingStored();
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
