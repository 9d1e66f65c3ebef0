#include "client/channel.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <utility>

#include "auth/v1/auth_service.grpc.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::client {
namespace {

using auth::testing::Eventually;
using auth::testing::FakeAuthServer;
using auth::testing::IsOk;
using auth::testing::MakeSelfSignedCertificate;
using auth::testing::StatusIs;
using auth::testing::TemporaryDirectory;
using auth::testing::TestCertificate;
using ::testing::HasSubstr;

constexpr char kServerName[] = "auth.test";
constexpr char kNoRepeats[] = "";  // a service config: a failed handshake is an answer, too

grpc::Status SignOut(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::SignOutResponse response;
  return v1::AuthService::NewStub(channel)->SignOut(&context, v1::SignOutRequest(), &response);
}

TEST(ChannelTest, PlaintextStaysOnThisMachine) {
  for (const char* target :
       {"127.0.0.1:50051", "localhost:1", "[::1]:50051", "::1", "[::1]", "127.0.0.1", "localhost",
        "dns:///localhost:50051", "dns://127.0.0.53/localhost:1", "ipv4:127.0.0.1:1,127.1.2.3:2",
        "ipv6:[::1]:1", "unix:/run/auth.sock", "unix-abstract:auth"}) {
    EXPECT_THAT(MakeChannel({.target = target}), IsOk()) << target;
  }
  for (const char* target :
       {"auth.example.com:50051", "10.0.0.1:50051", "dns:///auth.example.com",
        "dns://127.0.0.1/auth.example.com:1", "ipv4:127.0.0.1:1,10.0.0.1:1",
        "localhost.example.com:1", "127.example.com:443", "dns:///127.0.0.1.example.com:443",
        "127.0.0.1%2eexample.com:443", "[::1].example.com:443", "[::]:1", "0.0.0.0:1",
        "xds:///localhost", ""}) {
    EXPECT_THAT(MakeChannel({.target = target}), StatusIs(absl::StatusCode::kInvalidArgument))
        << target;
    EXPECT_THAT(MakeChannel({.target = target, .allow_plaintext = true}), IsOk()) << target;
    EXPECT_THAT(MakeChannel({.target = target, .tls = TlsOptions{}}), IsOk()) << target;
  }
}

TEST(ChannelTest, IntroducesItselfToTheServer) {
  FakeAuthServer server;
  const auto channel = MakeChannel({.target = server.address()});
  ASSERT_THAT(channel, IsOk());
  EXPECT_TRUE(SignOut(*channel).ok());
  EXPECT_THAT(server.last_user_agent(), ::testing::StartsWith("auth-client/"));
}

TEST(ChannelTest, AServerThatIsNotReadyGetsNoCallsUntilItIs) {
  FakeAuthServer server;
  server.SetServing(false);
  const auto channel = MakeChannel({.target = server.address()});
  ASSERT_THAT(channel, IsOk());
  EXPECT_EQ(SignOut(*channel).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server.calls(), 0);

  server.SetServing(true);
  EXPECT_TRUE(
      (*channel)->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
  EXPECT_TRUE(SignOut(*channel).ok());
}

TEST(ChannelTest, CallsGoToAllReplicasThatAreReady) {
  FakeAuthServer one;
  FakeAuthServer other;
  const auto channel = MakeChannel({.target = "ipv4:" + one.address() + "," + other.address()});
  ASSERT_THAT(channel, IsOk());
  const auto both_are_called = [&] {
    EXPECT_TRUE(SignOut(*channel).ok());
    return one.calls() > 0 && other.calls() > 0;
  };
  EXPECT_TRUE(Eventually(both_are_called));

  // A replica that drains: calls leave it, and none fails on the way.
  one.SetServing(false);
  int calls = one.calls();
  const auto none_is_called = [&] {
    const int before = std::exchange(calls, one.calls());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(SignOut(*channel).ok());
    return one.calls() == calls && calls == before;
  };
  EXPECT_TRUE(Eventually(none_is_called));
}

TestCertificate Certify(const std::string& host) {
  return MakeSelfSignedCertificate(host, "DNS:" + host);
}

// A folder with PEM files and a TLS server whose certificate says kServerName.
class TlsChannelTest : public ::testing::Test {
 protected:
  // A server that asks for a client certificate of `client_authority`, unless that is empty.
  std::unique_ptr<FakeAuthServer> StartServer(const std::string& client_authority = "") const {
    grpc::SslServerCredentialsOptions options(
        client_authority.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                 : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = client_authority;
    options.pem_key_cert_pairs = {{server_pem_.key, server_pem_.certificate}};
    return std::make_unique<FakeAuthServer>(grpc::SslServerCredentials(options));
  }

  grpc::Status SignOutOver(const FakeAuthServer& server, const TlsOptions& tls) const {
    const auto channel = MakeChannel({.target = server.address(), .tls = tls}, kNoRepeats);
    EXPECT_THAT(channel, IsOk());
    return channel.ok() ? SignOut(*channel) : grpc::Status::CANCELLED;
  }

  const TemporaryDirectory directory_;
  const TestCertificate server_pem_ = Certify(kServerName);
};

TEST_F(TlsChannelTest, TalksToAServerThatItTrusts) {
  const auto server = StartServer();
  const grpc::Status status = SignOutOver(
      *server,
      {.ca_file = directory_.Write("ca", server_pem_.certificate), .server_name = kServerName});
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(TlsChannelTest, RefusesAnotherAuthorityAnotherNameAndPlaintext) {
  const auto server = StartServer();
  const std::string ca = directory_.Write("ca", server_pem_.certificate);
  const std::string other = directory_.Write("other", Certify(kServerName).certificate);
  EXPECT_FALSE(SignOutOver(*server, {.ca_file = other, .server_name = kServerName}).ok());
  EXPECT_FALSE(SignOutOver(*server, {.ca_file = ca, .server_name = "other.test"}).ok());
  EXPECT_FALSE(SignOutOver(*server, {.server_name = kServerName}).ok());  // well-known roots
  const auto plaintext = MakeChannel({.target = server->address()}, kNoRepeats);
  ASSERT_THAT(plaintext, IsOk());
  EXPECT_FALSE(SignOut(*plaintext).ok());
  EXPECT_EQ(server->calls(), 0);
}

TEST_F(TlsChannelTest, ShowsItsOwnCertificate) {
  const TestCertificate client = Certify("client.test");
  const auto server = StartServer(client.certificate);
  TlsOptions tls = {.ca_file = directory_.Write("ca", server_pem_.certificate),
                    .server_name = kServerName};
  EXPECT_FALSE(SignOutOver(*server, tls).ok());
  tls.cert_file = directory_.Write("cert", client.certificate);
  tls.key_file = directory_.Write("key", client.key);
  const grpc::Status status = SignOutOver(*server, tls);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(TlsChannelTest, WrongFilesAreNamed) {
  const std::string certificate = directory_.Write("cert.pem", server_pem_.certificate);
  const std::string key = directory_.Write("key.pem", server_pem_.key);
  const std::string missing = directory_.path() / "missing.pem";
  const auto message = [](const TlsOptions& tls) {
    const auto channel = MakeChannel({.tls = tls});
    EXPECT_THAT(channel, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(channel.status().message());
  };
  EXPECT_THAT(message({.ca_file = missing}),
              AllOf(HasSubstr("missing.pem"), HasSubstr("No such file")));
  EXPECT_THAT(message({.ca_file = directory_.path()}), HasSubstr(directory_.path().string()));
  EXPECT_THAT(message({.ca_file = directory_.Write("empty", "")}), HasSubstr("empty"));
  EXPECT_THAT(message({.ca_file = key}), HasSubstr("CERTIFICATE"));
  EXPECT_THAT(message({.cert_file = certificate, .key_file = certificate}),
              HasSubstr("PRIVATE KEY"));
  EXPECT_THAT(message({.cert_file = certificate}), HasSubstr("give both"));
  EXPECT_THAT(message({.key_file = key}), HasSubstr("give both"));
}

}  // namespace
}  // namespace auth::client
