// What an operator sees when the configuration is wrong, and when the database is away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_tls.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kBadConfiguration = 2;

// What the server says last, which must say it all.
std::string LastLine(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return lines.empty() ? "" : lines.back();
}

class ConfigurationTest : public PostgresTest {};

ServerRun RunWithUrl(const std::string& url) {
  return RunAuthServer(
      {"--listen=127.0.0.1:0", "--http-listen=", "--ops-listen=", "--database-url=" + url});
}

TEST_F(ConfigurationTest, WithoutADatabaseItSaysHowToNameOne) {
  const ServerRun run = RunAuthServer({});
  EXPECT_EQ(run.exit_code, kBadConfiguration);
  EXPECT_THAT(run.err, AllOf(HasSubstr("--database-url"), HasSubstr("--embedded-postgres")));
}

TEST_F(ConfigurationTest, MalformedUrlIsRefused) {
  const ServerRun run = RunWithUrl("postgresql://localhost:notaport/db");
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(run.err, HasSubstr("port"));
}

TEST_F(ConfigurationTest, WrongPasswordIsRefusedWithoutShowingIt) {
  const std::string url =
      absl::StrCat("postgresql://postgres:wrong-secret@127.0.0.1:", postgres().port(), "/postgres");
  const ServerRun run = RunWithUrl(url);
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(LastLine(run.err), HasSubstr("28P01"));
  EXPECT_THAT(run.err, Not(HasSubstr("wrong-secret")));
}

TEST_F(ConfigurationTest, UnknownDatabaseIsRefused) {
  const ServerRun run = RunWithUrl(postgres().CreateDatabase() + "_nowhere");
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(LastLine(run.err), AllOf(HasSubstr("3D000"), HasSubstr("_nowhere")));
}

TEST_F(ConfigurationTest, TlsThatTheDatabaseDoesNotSpeakIsRefused) {
  const ServerRun run = RunWithUrl(postgres().url() + "?sslmode=require");
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(LastLine(run.err), HasSubstr("SSL"));
}

TEST_F(ConfigurationTest, ACertificateOfSomebodyElsesAuthorityIsRefused) {
  const TemporaryDirectory directory;
  TestPostgres postgres(TlsSettings(directory, MakeSelfSignedCertificate("db", "IP:127.0.0.1")));
  const std::string authority =
      directory.Write("other.crt", MakeSelfSignedCertificate("other", "DNS:other").certificate);
  const ServerRun run =
      RunWithUrl(postgres.url() + "?sslmode=verify-full&sslrootcert=" + authority);
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(LastLine(run.err), HasSubstr("certificate verify failed"));
}

TEST_F(ConfigurationTest, TakenPortIsNamed) {
  auto first = AuthServerProcess::Start({"--database-url=" + postgres().CreateDatabase()});
  ASSERT_THAT(first, IsOk());
  const ServerRun run = RunAuthServer(
      {"--listen=" + first->grpc_address(),
       "--http-listen=", "--ops-listen=", "--database-url=" + postgres().CreateDatabase()});
  EXPECT_NE(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr(first->grpc_address()));
}

TEST_F(ConfigurationTest, NoCoreDumpCanHoldPasswords) {
  auto server = AuthServerProcess::Start({"--database-url=" + postgres().CreateDatabase()});
  ASSERT_THAT(server, IsOk());
  rlimit limit{};
  ASSERT_EQ(prlimit(server->pid(), RLIMIT_CORE, nullptr, &limit), 0);
  EXPECT_LE(limit.rlim_max, 1u) << "a byte holds no core, and also stops one that would be piped";
}

TEST_F(ConfigurationTest, MissingCertificateFileIsNamed) {
  const ServerRun run = RunAuthServer(
      {"--listen=127.0.0.1:0", "--http-listen=", "--ops-listen=", "--tls-cert=/nonexistent.pem",
       "--tls-key=/nonexistent.key", "--database-url=" + postgres().url()});
  EXPECT_EQ(run.exit_code, kBadConfiguration) << run.err;
  EXPECT_THAT(run.err, HasSubstr("/nonexistent.pem"));
}

// Refused, not black-holed: the server keeps trying, says why, and serves once the database is
// there.
TEST(DatabaseAwayTest, KeepsTryingAndServesWhenTheDatabaseComes) {
  TestPostgres postgres;
  const std::string url = postgres.CreateDatabase();
  postgres.Stop();

  auto server = AuthServerProcess::StartWithoutReadiness({"--database-url=" + url});
  ASSERT_THAT(server, IsOk());
  ASSERT_TRUE(Eventually([&] { return server->log().find("refused") != std::string::npos; }))
      << server->log();
  int status = 0;
  server->HttpGet("/livez", &status);
  EXPECT_EQ(status, 200) << "the process lives";
  server->HttpGet("/readyz", &status);
  EXPECT_EQ(status, 503) << "but has never reached its database";

  postgres.Restart();
  ASSERT_TRUE(Eventually([&] {
    server->HttpGet("/readyz", &status);
    return status == 200;
  })) << server->log();
  const auto stub = NewPlainStub(server->grpc_address());
  EXPECT_TRUE(Register(stub.get(), "late@example.com", "", std::chrono::seconds(10)).status.ok());
}

// The worse way to be away: nobody says no.
TEST(DatabaseAwayTest, NamesABlackHoleInTimeAndServesWhenItAnswers) {
  TestPostgres postgres;
  TcpGate gate(postgres.port());
  gate.Hold();
  auto server = AuthServerProcess::StartWithoutReadiness(
      {"--database-url=" + gate.Through(postgres.CreateDatabase()), "--pool-connect-timeout=1s"});
  ASSERT_THAT(server, IsOk());
  const std::string complaint = absl::StrCat("no answer from 127.0.0.1:", gate.port(), " in time");
  EXPECT_TRUE(Eventually([&] { return server->log().find(complaint) != std::string::npos; },
                         std::chrono::seconds(5)))
      << server->log();
  EXPECT_TRUE(Eventually([&] { return gate.accepted().size() >= 3; })) << "it keeps trying";
  int status = 0;
  server->HttpGet("/livez", &status);
  EXPECT_EQ(status, 200);
  server->HttpGet("/readyz", &status);
  EXPECT_EQ(status, 503);

  gate.Resume();
  EXPECT_TRUE(Eventually([&] {
    server->HttpGet("/readyz", &status);
    return status == 200;
  })) << server->log();
}

TEST(DatabaseAwayTest, StopsCleanlyWhileItWaits) {
  auto server = AuthServerProcess::StartWithoutReadiness(
      {"--database-url=postgresql://postgres@127.0.0.1:1/postgres"});
  ASSERT_THAT(server, IsOk());
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForExit(), 0) << server->log();
}

}  // namespace
}  // namespace auth::testing
