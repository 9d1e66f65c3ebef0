// The database's password is changed under the running service, as in a rotation: no restart.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/database_role.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;

class Authentication : public ::testing::Test {
 protected:
  double Refusals(const AuthServerProcess& server) {
    return server.Metric("auth_pool_connect_failures_total{class=\"configuration\"}");
  }

  TestPostgres postgres_;
  DatabaseRole role_{&postgres_, postgres_.CreateDatabase()};
  TemporaryDirectory directory_;
  const std::string file_ = directory_.Write("database-url", role_.url());
  History history_;
};

TEST_F(Authentication, TheNewPasswordIsReadFromTheFile) {
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url-file=" + file_}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);

  role_.SetPassword("second");
  EXPECT_GE(role_.KillSessions(), 1);
  EXPECT_TRUE(Eventually([&] { return Refusals(*server) >= 3; })) << "the old one is tried";
  const auto rewritten = std::chrono::steady_clock::now();
  directory_.Write("database-url", role_.url());
  EXPECT_TRUE(Eventually(
      [&] { return load.FirstOkAfter(rewritten) != MixedLoad::TimePoint::max(); }, seconds(10)))
      << "the new one is found";

  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), role_.url(), &history_, seconds(5));
}

// What a rotation should look like: sessions outlive the old password, and each new one reads the
// file, so nobody is refused.
TEST_F(Authentication, SessionsOutliveTheOldPassword) {
  TcpGate gate(postgres_.port());
  directory_.Write("database-url", gate.Through(role_.url()));
  auto server = AuthServerProcess::Start(WithCheapHashing({"--database-url-file=" + file_}));
  ASSERT_THAT(server, IsOk());
  MixedLoad load(server->grpc_address(), {}, &history_);

  for (const std::string password : {"second", "third", "fourth"}) {
    // No connect falls between the change of the password and that of the file.
    gate.Refuse();
    ASSERT_TRUE(Eventually(
        [&] { return server->Metric("auth_pool_connections{state=\"connecting\"}") == 0; }));
    role_.SetPassword(password);
    directory_.Write("database-url", gate.Through(role_.url()));
    gate.Accept();
    LetPass(std::chrono::milliseconds(500));
    EXPECT_GE(role_.KillSessions(), 1) << "they are still there";
  }
  load.Stop();
  EXPECT_EQ(Refusals(*server), 0);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), role_.url(), &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
