// The faults again, with TLS between the service and PostgreSQL, where a socket's bytes are records
// and the server's last words are encrypted. The certificate is verified in full.

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_tls.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/history.h"
#include "tests/support/server/registration_load.h"
#include "tests/support/server/service_restored.h"
#include "tests/support/server/stranded_rounds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience(15);
constexpr seconds kRestored(10);

class Tls : public ::testing::Test {
 protected:
  void StartPostgres(const TestPostgres::Settings& settings = {}) {
    TestPostgres::Settings all =
        TlsSettings(directory_, MakeSelfSignedCertificate("database", "IP:127.0.0.1"));
    all.insert(all.end(), settings.begin(), settings.end());
    postgres_.emplace(all);
    url_ = postgres_->CreateDatabase();
  }

  // `url` for a client that accepts no other server than ours.
  std::string Verified(const std::string& url) const {
    return absl::StrCat(
        url, "?sslmode=verify-full&sslrootcert=", (directory_.path() / "server.crt").string());
  }

  void StartServer() {
    auto server = AuthServerProcess::Start(
        WithCheapHashing({"--database-url=" + Verified(url_), "--rate-limit=off"}));
    ASSERT_THAT(server, IsOk());
    server_.emplace(*std::move(server));
    EXPECT_EQ(postgres_->QueryValue(
                  "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                  "WHERE application_name = 'auth_server'"),
              "t");
  }

  std::unique_ptr<RegistrationLoad> StartLoad() {
    return std::make_unique<RegistrationLoad>(
        server_->grpc_address(), RegistrationLoad::Options{.clients = 4, .timeout = kPatience},
        [this](const RegisterAttempt& attempt) { history_.Record(attempt); });
  }
  static void ExpectNoneFailed(RegistrationLoad* load) {
    load->Stop();
    std::printf("%ld registered, %ld failed\n", load->ok(), load->failed());
    EXPECT_EQ(load->failed(), 0) << load->failures();
  }

  void ExpectRegistered(const std::string& name) {
    const auto stub = NewPlainStub(server_->grpc_address());
    const RegisterAttempt attempt = Register(stub.get(), name + "@example.com", "", kPatience);
    history_.Record(attempt);
    EXPECT_TRUE(attempt.status.ok()) << name << ": " << attempt.status.error_message();
  }

  void ExpectRestored() {
    ExpectServiceRestored(server_->grpc_address(), url_, &history_, kRestored);
  }

  const TemporaryDirectory directory_;
  std::optional<TestPostgres> postgres_;
  std::string url_;  // that of the test itself
  std::optional<AuthServerProcess> server_;
  History history_;
};

TEST_F(Tls, BackendsKilledWhileIdle) {
  StartPostgres();
  StartServer();
  const int rounds = ShortOrLong(50, 1000);
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    killed += postgres_->KillBackends();
    // Half the rounds call while the backends still die, half after they are gone.
    if (round % 2 == 0) {
      EXPECT_TRUE(Eventually([&] { return postgres_->BackendPids().empty(); }));
    }
    ExpectRegistered(absl::StrCat("idle-", round));
  }
  EXPECT_GE(killed, rounds * 9 / 10) << "the kills must hit";
  ExpectRestored();
}

TEST_F(Tls, BackendsKilledUnderLoad) {
  StartPostgres();
  StartServer();
  const auto load = StartLoad();
  const int rounds = ShortOrLong(30, 1000);
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto next = std::chrono::steady_clock::now() + milliseconds(100);
    killed += postgres_->KillBackends();
    const int64_t before = load->ok();
    EXPECT_TRUE(
        Eventually([&] { return std::chrono::steady_clock::now() >= next && load->ok() > before; },
                   kPatience));
  }
  EXPECT_GE(killed, rounds / 2) << "the kills must hit";
  ExpectNoneFailed(load.get());
  ExpectRestored();
}

TEST_F(Tls, IdleSessionsClosedByTheServer) {
  StartPostgres({{"idle_session_timeout", "500ms"}});
  StartServer();
  const int gaps = ShortOrLong(5, 100);
  for (int gap = 0; gap < gaps; ++gap) {
    ASSERT_TRUE(Eventually([&] { return postgres_->BackendPids().empty(); }));
    ExpectRegistered(absl::StrCat("gap-", gap));
  }
  ExpectRestored();
}

TEST_F(Tls, RestartUnderLoad) {
  StartPostgres();
  StartServer();
  const auto load = StartLoad();
  const int rounds = ShortOrLong(2, 50);
  for (int round = 0; round < rounds; ++round) {
    const int64_t before = load->ok();
    postgres_->Restart();
    EXPECT_TRUE(Eventually([&] { return load->ok() > before + 10; }, kPatience));
  }
  ExpectNoneFailed(load.get());
  ExpectRestored();
}

TEST_F(Tls, HalfOpen) {
  StartPostgres();
  TcpGate gate(postgres_->port());
  StrandedRounds rounds({.postgres = &*postgres_,
                         .url = url_,
                         .server_url = Verified(gate.Through(url_)),
                         .restored = kRestored});
  rounds.ExpectOthersServed({.strike = [&] { gate.HoldOpen(); }, .mend = [&] { gate.Resume(); }});
}

TEST_F(Tls, FrozenBackends) {
  StartPostgres();
  std::vector<FrozenProcess> frozen;
  StrandedRounds rounds(
      {.postgres = &*postgres_, .url = url_, .server_url = Verified(url_), .restored = kRestored});
  rounds.ExpectOthersServed(
      {.strike = [&] { frozen = postgres_->FreezeBackends(); }, .mend = [&] { frozen.clear(); }});
}

}  // namespace
}  // namespace auth::testing
