#include "server/rpc/credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/security/credentials.h>

#include <atomic>
#include <string>
#include <utility>

#include "tests/integration/rpc/test_server.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"

namespace auth::rpc {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TestCertificate;

constexpr char kHosts[] = "DNS:localhost,IP:127.0.0.1";

TestCertificate Certify(const std::string& name) {
  return testing::MakeSelfSignedCertificate(name, kHosts);
}
TestCertificate Certify(const std::string& name, const TestCertificate& issuer) {
  return testing::MakeCertificate(name, kHosts, issuer);
}

class CredentialsTest : public ::testing::Test {
 protected:
  GrpcServer::Options Tls(bool mutual = false) {
    GrpcServer::Options options = TestServer::DefaultOptions();
    options.tls.cert = directory_.Write("cert.pem", server_.certificate);
    options.tls.key = directory_.Write("key.pem", server_.key);
    if (mutual) options.tls.client_ca = directory_.Write("client-ca.pem", client_ca_.certificate);
    return options;
  }

  // Whether a call over TLS works, with or without a certificate of the client's.
  grpc::Status CallOverTls(const TestServer& server, const TestCertificate& trusted,
                           const TestCertificate* identity = nullptr) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = trusted.certificate;
    if (identity != nullptr) {
      ssl.pem_cert_chain = identity->certificate;
      ssl.pem_private_key = identity->key;
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1::AuthService::NewStub(
        grpc::CreateCustomChannel(server.address(), grpc::SslCredentials(ssl), arguments));
    grpc::ClientContext context;
    v1::SignOutResponse response;
    return stub->SignOut(&context, v1::SignOutRequest(), &response);
  }

  absl::Status StartWith(const TlsFiles& files) {
    GrpcServer::Options options = TestServer::DefaultOptions();
    options.tls = files;
    TestServer workers;
    return GrpcServer::Start(options, workers.Services(), workers.Admin(), workers.Dependencies())
        .status();
  }

  const testing::TemporaryDirectory directory_;
  const TestCertificate ca_ = Certify("ca");
  const TestCertificate server_ = Certify("server", ca_);
  const TestCertificate client_ca_ = Certify("client-ca");
  const TestCertificate client_ = Certify("client", client_ca_);
};

TEST_F(CredentialsTest, TlsServesThoseWhoTrustItAndNoPlaintext) {
  TestServer server(Tls());
  EXPECT_TRUE(CallOverTls(server, ca_).ok());
  EXPECT_EQ(CallOverTls(server, client_ca_).error_code(), grpc::StatusCode::UNAVAILABLE);
  const auto plaintext = server.NewStub();
  EXPECT_EQ(Validate(plaintext.get(), "").status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CredentialsTest, TlsAllowsToListenBeyondLoopback) {
  GrpcServer::Options options = Tls();
  options.listen = "0.0.0.0:0";
  TestServer server(options);
  EXPECT_TRUE(CallOverTls(server, ca_).ok());
}

TEST_F(CredentialsTest, MutualTlsServesOnlyCertificatesOfTheClientCa) {
  TestServer server(Tls(/*mutual=*/true));
  EXPECT_TRUE(CallOverTls(server, ca_, &client_).ok());
  EXPECT_FALSE(CallOverTls(server, ca_).ok()) << "no certificate";
  EXPECT_FALSE(CallOverTls(server, ca_, &server_).ok()) << "of another authority";
  ASSERT_EQ(server.recorder.records().size(), 1u);
  EXPECT_EQ(server.recorder.records()[0].caller, "localhost") << "the first of its names";
}

TEST_F(CredentialsTest, ACallerWithoutACertificateIsNobody) {
  TestServer server(Tls());
  EXPECT_TRUE(CallOverTls(server, ca_).ok());
  EXPECT_EQ(server.recorder.records().at(0).caller, "");
}

TEST_F(CredentialsTest, ARenewedCertificateIsUsedWithoutARestart) {
  TestServer server(Tls());
  EXPECT_TRUE(CallOverTls(server, ca_).ok());
  const TestCertificate new_ca = Certify("new-ca");
  const TestCertificate renewed = Certify("server", new_ca);
  directory_.Write("key.pem", renewed.key);
  directory_.Write("cert.pem", renewed.certificate);
  EXPECT_TRUE(testing::Eventually([&] { return CallOverTls(server, new_ca).ok(); },
                                  std::chrono::seconds(60)));
}

// Unlike gRPC by itself, which fails handshakes over a mismatch and aborts over an empty file.
TEST_F(CredentialsTest, FilesThatCannotWorkLeaveTheOldPairInForce) {
  GrpcServer::Options options = Tls(/*mutual=*/true);
  std::atomic<int> refused = 0;
  options.on_tls_change = [&](const absl::StatusOr<WallTime>& not_after) {
    refused += not_after.ok() ? 0 : 1;
  };
  TestServer server(options);
  int expected = 0;
  for (const auto& [name, content] : {std::pair("key.pem", client_.key),
                                      {"cert.pem", server_.certificate.substr(0, 200)},
                                      {"client-ca.pem", std::string()},
                                      {"cert.pem", std::string()}}) {
    SCOPED_TRACE(name);
    directory_.Write(name, content);
    ++expected;
    ASSERT_TRUE(testing::Eventually([&] { return refused == expected; }));
    EXPECT_TRUE(CallOverTls(server, ca_, &client_).ok());
    directory_.Write("cert.pem", server_.certificate);
    directory_.Write("key.pem", server_.key);
    directory_.Write("client-ca.pem", client_ca_.certificate);
  }
  const TestCertificate new_client_ca = Certify("new-client-ca");
  const TestCertificate new_client = Certify("new-client", new_client_ca);
  directory_.Write("client-ca.pem", client_ca_.certificate + new_client_ca.certificate);
  EXPECT_TRUE(testing::Eventually([&] { return CallOverTls(server, ca_, &new_client).ok(); }));
  EXPECT_TRUE(CallOverTls(server, ca_, &client_).ok()) << "while both are trusted";
  directory_.Write("client-ca.pem", new_client_ca.certificate);
  EXPECT_TRUE(testing::Eventually([&] { return !CallOverTls(server, ca_, &client_).ok(); }));
  EXPECT_TRUE(CallOverTls(server, ca_, &new_client).ok());
}

TEST_F(CredentialsTest, FilesThatCannotWorkAreRefusedAtStart) {
  TlsFiles mismatched = Tls().tls;
  mismatched.key = directory_.Write("other.pem", client_.key);
  EXPECT_THAT(StartWith(mismatched), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace auth::rpc
