// The database's password is changed under the running service, as in a rotation: no restart.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
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
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Authentication : public ::testing::Test {
 protected:
  double Refusals(const AuthServerProcess& server) {
    return server.Metric("auth_pool_connect_failures_total{class=\"configuration\"}");
  }

  // Somebody is served who asks from now on.
  void ExpectServed(const MixedLoad& load) {
    const auto now = std::chrono::steady_clock::now();
    EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(now) != MixedLoad::TimePoint::max(); }));
  }

  std::mt19937_64 random_{TestSeed()};
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

  const int rounds = ShortOrLong(1, 40);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const double before = Refusals(*server);
    role_.SetPassword(absl::StrCat("new-", round));
    EXPECT_GE(role_.KillSessions(), 1);
    EXPECT_TRUE(Eventually([&] { return Refusals(*server) >= before + 3; }))
        << "the old one is tried";
    directory_.Write("database-url", role_.url());
    ExpectServed(load);
    LetPass(milliseconds(random_() % 1000));
  }

  load.Stop();
  std::printf("%d rotations, %.0f connects refused, %ld calls OK, %ld failed\n", rounds,
              Refusals(*server), load.ok(), load.failed());
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

  const int rounds = ShortOrLong(3, 60);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ExpectServed(load);
    // No connect falls between the change of the password and that of the file.
    gate.Refuse();
    ASSERT_TRUE(Eventually(
        [&] { return server->Metric("auth_pool_connections{state=\"connecting\"}") == 0; }));
    role_.SetPassword(absl::StrCat("new-", round));
    directory_.Write("database-url", gate.Through(role_.url()));
    gate.Accept();
    LetPass(milliseconds(500 + random_() % 500));
    EXPECT_GE(role_.KillSessions(), 1) << "they are still there";
  }
  load.Stop();
  std::printf("%d rotations, %ld calls OK, %ld failed\n", rounds, load.ok(), load.failed());
  EXPECT_EQ(Refusals(*server), 0);
  EXPECT_EQ(load.failed(), 0) << load.failures();
  ExpectServiceRestored(server->grpc_address(), role_.url(), &history_, seconds(5));
}

}  // namespace
}  // namespace auth::testing
