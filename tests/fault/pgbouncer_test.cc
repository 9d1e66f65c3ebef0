// PgBouncer in transaction mode between the service and its database: what Neon's pooled endpoints
// are. Found out by the service itself (--pool-mode auto).

#include "tests/support/pgbouncer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_split.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/mixed_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How often `text` occurs in `log`.
int Occurrences(const std::string& log, const std::string& text) {
  return static_cast<int>(std::vector<std::string>(absl::StrSplit(log, text)).size()) - 1;
}

class PgBouncerTest : public ::testing::Test {
 protected:
  // Starts the server on a new database, which it migrates through the pooler.
  void StartServer() {
    auto started =
        AuthServerProcess::Start(WithCheapHashing({"--database-url=" + pooler_.Through(url_)}));
    ASSERT_THAT(started, IsOk());
    server_ = std::make_unique<AuthServerProcess>(*std::move(started));
  }

  // Breaks something every now and then under load; no caller may notice.
  void ExpectNothingFailsWhile(const std::function<void()>& faults) {
    ASSERT_NO_FATAL_FAILURE(StartServer());
    MixedLoad load(server_->grpc_address(), {.timeout = seconds(15)}, &history_);
    faults();
    const auto over = std::chrono::steady_clock::now();
    EXPECT_TRUE(Eventually([&] { return load.FirstOkAfter(over) != MixedLoad::TimePoint::max(); },
                           seconds(15)));
    load.Stop();
    std::printf("%ld answered OK, %ld failed\n", load.ok(), load.failed());
    EXPECT_EQ(load.failed(), 0) << load.failures();
    ExpectServiceRestored(server_->grpc_address(), url_, &history_, seconds(5));
  }

  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  PgBouncer pooler_{postgres_.url()};
  std::unique_ptr<AuthServerProcess> server_;
  History history_;
};

TEST_F(PgBouncerTest, AutoModeSendsNoStartUpOptionsAndPreparesNothing) {
  // One session, so that what one client leaves there another one sees.
  PgBouncer narrow(postgres_.url(), {{"default_pool_size", "1"}});
  auto server = AuthServerProcess::Start({"--database-url=" + narrow.Through(url_)});
  ASSERT_THAT(server, IsOk()) << "migrates through the pooler";
  const auto stub = NewPlainStub(server->grpc_address());

  const RegisterAttempt registered =
      Register(stub.get(), "pooled@example.com", "", std::chrono::seconds(10));
  history_.Record(registered);
  EXPECT_TRUE(registered.status.ok()) << registered.status.error_message();
  const RegisterAttempt again =
      Register(stub.get(), "pooled@example.com", "", std::chrono::seconds(10));
  history_.Record(again);
  EXPECT_EQ(ReasonOf(again.status), "EMAIL_ALREADY_REGISTERED");
  {
    grpc::ClientContext context;
    v1::SignInRequest request;
    v1::SignInResponse response;
    request.set_email("pooled@example.com");
    request.set_password(kGoodPassword);
    const grpc::Status status = stub->SignIn(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    history_.RecordSignIn(response.session().id());
  }

  EXPECT_EQ(Occurrences(narrow.log(), "closing because: unsupported startup parameter"), 1)
      << "found out once, then remembered; its log:\n"
      << narrow.log();
  SqlConnection same_session(narrow.Through(url_));
  const std::string prepared = "SELECT count(*) FROM pg_prepared_statements";
  EXPECT_EQ(same_session.QueryValue(prepared), "0");
  same_session.Execute("PREPARE would_be_seen AS SELECT 1");
  EXPECT_EQ(same_session.QueryValue(prepared), "1");
  ExpectServiceRestored(server->grpc_address(), url_, &history_, seconds(5));
}

TEST_F(PgBouncerTest, ItsServerSessionsAreKilledUnderLoad) {
  std::mt19937_64 random(TestSeed());
  int killed = 0;
  ExpectNothingFailsWhile([&] {
    const int rounds = ShortOrLong(20, 1000);
    for (int round = 0; round < rounds; ++round) {
      killed += postgres_.KillBackends();
      LetPass(milliseconds(100 + random() % 150));
    }
    EXPECT_GT(killed, rounds / 2) << "the storm must hit";
  });
  std::printf("%d sessions killed\n", killed);
}

TEST_F(PgBouncerTest, DatabaseIsDownAndBackBehindIt) {
  ExpectNothingFailsWhile([&] {
    postgres_.Stop();
    LetPass(ShortOrLong(seconds(3), seconds(10)));
    postgres_.Restart();
  });
}

TEST_F(PgBouncerTest, ItIsKilledAndStartedAgainUnderLoad) {
  ExpectNothingFailsWhile([&] {
    for (int round = 0; round < ShortOrLong(4, 100); ++round) {
      pooler_.Kill();
      LetPass(milliseconds(500));
      pooler_.Start();
      LetPass(milliseconds(500));
    }
  });
}

}  // namespace
}  // namespace auth::testing
