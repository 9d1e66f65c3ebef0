// What authctl says when there is no connection: who reads it knows what to try next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client/child_program.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AuthctlFailureTest : public ::testing::Test {
 protected:
  static std::shared_ptr<grpc::ServerCredentials> Tls(const TestCertificate& pem,
                                                      const std::string& client_ca = "") {
    grpc::SslServerCredentialsOptions options(
        client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                          : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_key_cert_pairs = {{pem.key, pem.certificate}};
    options.pem_root_certs = client_ca;
    return grpc::SslServerCredentials(options);
  }

  // `health` at `server` must say both texts, and be unavailable.
  void ExpectUnreachable(const std::string& server, const std::vector<std::string>& options,
                         const std::string& what, const std::string& hint) const {
    std::vector<std::string> arguments = {AUTHCTL_BINARY, "health", "--server", server};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Ended ended = RunProgram(arguments);
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err,
                AllOf(StartsWith("authctl: server unreachable at " + server + ": " + what),
                      HasSubstr("\n" + hint), Not(HasSubstr("trace"))));
  }

  const TestCertificate pem_ = MakeSelfSignedCertificate("auth.test", "DNS:auth.test");
  const TemporaryDirectory directory_;
  const std::string ca_ = directory_.Write("ca.pem", pem_.certificate);
};

TEST_F(AuthctlFailureTest, NobodyListens) {
  ExpectUnreachable("127.0.0.1:1", {}, "Connection refused\n", "Is it running? Try `deploy/run`");
}

TEST_F(AuthctlFailureTest, TheNameIsNotKnown) {
  ExpectUnreachable("no-such-host.invalid:1", {"--tls"}, "its name is not found (",
                    "Name another with --server HOST:PORT.\n");
}

TEST_F(AuthctlFailureTest, PlaintextToATlsServer) {
  const FakeAuthServer server(Tls(pem_));
  ExpectUnreachable(server.address(), {}, "it closed the connection at once\n",
                    "Does it expect TLS? --tls, or --tls-ca FILE.\n");
}

TEST_F(AuthctlFailureTest, TlsToAPlaintextServer) {
  const FakeAuthServer server;
  ExpectUnreachable(server.address(), {"--tls"}, "it does not speak TLS\n",
                    "Leave the --tls options out.\n");
}

TEST_F(AuthctlFailureTest, AnUnknownAuthority) {
  const FakeAuthServer server(Tls(pem_));
  const std::string unknown =
      "its certificate is expired, or of an authority that is not trusted\n";
  ExpectUnreachable(server.address(), {"--tls"}, unknown, "Name its authority: --tls-ca FILE.\n");
  const std::string other =
      directory_.Write("other.pem", MakeSelfSignedCertificate("other", "DNS:other").certificate);
  ExpectUnreachable(server.address(), {"--tls-ca", other}, unknown,
                    "Does " + other + " hold its authority?\n");
}

TEST_F(AuthctlFailureTest, ACertificateForAnotherName) {
  const FakeAuthServer server(Tls(pem_));
  ExpectUnreachable(server.address(), {"--tls-ca", ca_}, "its certificate is for another name\n",
                    "Name the one it is for: --tls-server-name NAME.\n");
}

TEST_F(AuthctlFailureTest, AServerThatDemandsACertificate) {
  const FakeAuthServer server(Tls(pem_, pem_.certificate));
  ExpectUnreachable(server.address(), {"--tls-ca", ca_, "--tls-server-name", "auth.test"},
                    "it closed the connection after the TLS handshake\n",
                    "Does it demand a certificate? --tls-cert FILE --tls-key FILE.\n");
}

TEST_F(AuthctlFailureTest, TheDeadline) {
  FakeAuthServer server;
  server.HoldCalls();
  const Ended ended =
      RunProgram({AUTHCTL_BINARY, "validate", "--server", server.address(), "--timeout", "200ms"},
                 {.environment = {{"AUTHCTL_TOKEN", kSessionToken}}});
  EXPECT_EQ(ended.exit_code, 3);
  ASSERT_EQ(server.traceparents().size(), 1u);
  EXPECT_EQ(ended.err, "authctl: no answer from " + server.address() +
                           " within 200ms\nTry a longer --timeout, and `authctl health`.\n"
                           "In the server's log: trace " +
                           server.traceparents()[0].substr(3, 32) + "\n");
}

TEST_F(AuthctlFailureTest, JsonHasTheHintToo) {
  const Ended ended = RunProgram({AUTHCTL_BINARY, "health", "--server", "127.0.0.1:1", "--json"});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out,
              AllOf(StartsWith(R"({"error":{"code":"UNAVAILABLE")"),
                    HasSubstr(R"("hint":"Is it running?)"), HasSubstr(R"("traceId":")")));
  const Ended usage = RunProgram({AUTHCTL_BINARY, "frobnicate", "--json"});
  EXPECT_EQ(usage.exit_code, 2);
  EXPECT_EQ(usage.err, "");
  EXPECT_THAT(usage.out, StartsWith(R"({"error":{"code":"INVALID_ARGUMENT")"));
}

}  // namespace
}  // namespace auth::testing
