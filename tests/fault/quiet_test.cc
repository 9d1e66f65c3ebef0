// Nobody calls, but everybody looks: probes, metrics, dashboard and `authctl pool`, each second. A
// serverless database must be able to go to sleep.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "auth/v1/admin_service.grpc.pb.h"
#include "client/authctl/health_check.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::seconds;

// The token "test" and its line in the file of --service-tokens-file.
constexpr char kAdminToken[] = "Bearer test";
constexpr char kAdminTokenLine[] =
    "oncall admin 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n";

void BeAdmin(grpc::ClientContext* context) { context->AddMetadata("authorization", kAdminToken); }

// `authctl pool watch` of somebody who has left it running.
class Watcher {
 public:
  explicit Watcher(v1::AdminService::StubInterface* stub) {
    BeAdmin(&context_);
    thread_ = std::thread([this, stub] {
      const auto stream = stub->WatchPoolStatus(&context_, v1::WatchPoolStatusRequest());
      v1::WatchPoolStatusResponse status;
      while (stream->Read(&status)) ++seen_;
    });
  }
  ~Watcher() { Stop(); }
  // How many states it was shown.
  int Stop() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
    return seen_;
  }

 private:
  grpc::ClientContext context_;
  int seen_ = 0;  // of thread_
  std::thread thread_;
};

TEST(Quiet, WhoeverLooksSendsTheDatabaseNothing) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  TcpGate gate(postgres.port());
  // Half the time with a connection open, half without any.
  const seconds quiet = ShortOrLong(seconds(60), seconds(600));
  const TemporaryDirectory directory;
  const std::string tokens = directory.path() / "tokens";
  std::ofstream(tokens) << kAdminTokenLine;
  auto server = AuthServerProcess::Start(
      WithCheapHashing({"--database-url=" + gate.Through(url), "--service-tokens-file=" + tokens,
                        "--pool-idle-timeout=" + std::to_string(quiet.count() / 2) + "s"}));
  ASSERT_THAT(server, IsOk());
  History history;
  const auto channel =
      grpc::CreateChannel(server->grpc_address(), grpc::InsecureChannelCredentials());
  const auto stub = NewPlainStub(server->grpc_address());
  const RegisterAttempt last = Register(stub.get(), "last@example.com", "", seconds(5));
  history.Record(last);
  EXPECT_TRUE(last.status.ok()) << last.status.error_message();

  const int64_t statements = postgres.StatementCount(url);
  const size_t connects = gate.accepted().size();
  const auto admin = v1::AdminService::NewStub(channel);
  Watcher watcher(admin.get());
  const auto end = std::chrono::steady_clock::now() + quiet;
  while (std::chrono::steady_clock::now() < end) {
    for (const char* service : {"", "auth.v1.AuthService", "database"}) {
      const auto health = authctl::CheckHealth(channel, service, {.timeout = seconds(5)});
      ASSERT_THAT(health, IsOk()) << service;
      ASSERT_EQ(*health, "SERVING") << service;
    }
    for (const char* path : {"/livez", "/readyz", "/health/database", "/metrics", "/dashboard",
                             "/dashboard/snapshot", "/debug/config"}) {
      int status = 0;
      server->HttpGet(path, &status);
      ASSERT_EQ(status, 200) << path;
    }
    grpc::ClientContext context;
    BeAdmin(&context);
    v1::GetPoolStatusResponse pool;
    const grpc::Status polled = admin->GetPoolStatus(&context, {}, &pool);
    ASSERT_TRUE(polled.ok()) << polled.error_message();
    LetPass(seconds(1));
  }
  EXPECT_GE(watcher.Stop(), quiet.count() / 2) << "one a second, or nearly";
  const int64_t sent = postgres.StatementCount(url) - statements;
  const size_t made = gate.accepted().size() - connects;
  std::printf("%ld s: %ld statements, %zu connections made, %d open at the end\n", quiet.count(),
              sent, made, gate.open());
  EXPECT_EQ(sent, 0);
  EXPECT_EQ(made, 0U);
  EXPECT_EQ(gate.open(), 0) << "the last connection is closed, too";
  ExpectServiceRestored(server->grpc_address(), url, &history, seconds(5));
}

}  // namespace
}  // namespace auth::testing
