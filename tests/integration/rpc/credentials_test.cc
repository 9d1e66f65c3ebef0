#include "server/rpc/credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/security/credentials.h>

#include <string>

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

TEST_F(CredentialsTest, FilesThatCannotWorkAreRefusedAtStart) {
  const TlsFiles good = Tls(/*mutual=*/true).tls;
  const std::string other_key = directory_.Write("other.pem", client_.key);
  const std::string no_pem = directory_.Write("no.pem", "-----BEGIN NOTHING-----\n");
  const std::string missing = (directory_.path() / "missing.pem").string();
  struct Case {
    TlsFiles files;
    std::string says;
  };
  for (const Case& c : {
           Case{{good.cert, other_key, ""}, "does not belong to"},
           Case{{good.cert, "", ""}, "by half"},
           Case{{"", good.key, ""}, "by half"},
           Case{{"", "", good.client_ca}, "by half"},
           Case{{missing, good.key, ""}, "--tls-cert=" + missing},
           Case{{good.cert, missing, ""}, "--tls-key=" + missing},
           Case{{good.cert, good.key, missing}, "--tls-client-ca=" + missing},
           Case{{no_pem, good.key, ""}, "--tls-cert=" + no_pem},
           Case{{good.cert, no_pem, ""}, "--tls-key=" + no_pem},
           Case{{good.cert, good.key, no_pem}, "--tls-client-ca=" + no_pem},
       }) {
    SCOPED_TRACE(c.says);
    const absl::Status status = StartWith(c.files);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace auth::rpc
