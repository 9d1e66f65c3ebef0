#include "server/rpc/credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/security/credentials.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/integration/rpc/test_server.h"
#include "tests/support/eventually.h"

namespace auth::rpc {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// A certificate with its key, signed by `issuer`, or by itself.
class Certificate {
 public:
  explicit Certificate(const char* name, const Certificate* issuer = nullptr)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), x509_(X509_new(), X509_free) {
    static long serial = 1;  // NOLINT(runtime/int): OpenSSL's type
    X509* const x509 = x509_.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    const Certificate& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(x509, X509_get_subject_name(signer.x509_.get()));
    Extend(NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    Extend(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    X509_sign(x509, signer.key_.get(), EVP_sha256());
  }

  std::string CertificatePem() const {
    return Pem([this](BIO* out) { PEM_write_bio_X509(out, x509_.get()); });
  }
  std::string KeyPem() const {
    return Pem([this](BIO* out) {
      PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  void Extend(int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <typename Write>
  static std::string Pem(Write write) {
    BIO* const out = BIO_new(BIO_s_mem());
    write(out);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);  // NOLINT(runtime/int)
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(out);
    return pem;
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
};

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "auth-credentials-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~CredentialsTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path.string() + ".new") << content;
    std::filesystem::rename(path.string() + ".new", path);
    return path.string();
  }

  GrpcServer::Options Tls(bool mutual = false) {
    GrpcServer::Options options = TestServer::DefaultOptions();
    options.tls.cert = Write("cert.pem", server_.CertificatePem());
    options.tls.key = Write("key.pem", server_.KeyPem());
    if (mutual) options.tls.client_ca = Write("client-ca.pem", client_ca_.CertificatePem());
    return options;
  }

  // Whether a call over TLS works, with or without a certificate of the client's.
  grpc::Status CallOverTls(const TestServer& server, const Certificate& trusted,
                           const Certificate* identity = nullptr) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = trusted.CertificatePem();
    if (identity != nullptr) {
      ssl.pem_cert_chain = identity->CertificatePem();
      ssl.pem_private_key = identity->KeyPem();
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
    return GrpcServer::Start(options, workers.Services(), workers.Dependencies()).status();
  }

  std::filesystem::path directory_;
  const Certificate ca_{"ca"};
  const Certificate server_{"server", &ca_};
  const Certificate client_ca_{"client-ca"};
  const Certificate client_{"client", &client_ca_};
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
}

TEST_F(CredentialsTest, ARenewedCertificateIsUsedWithoutARestart) {
  TestServer server(Tls());
  EXPECT_TRUE(CallOverTls(server, ca_).ok());
  const Certificate new_ca("new-ca");
  const Certificate renewed("server", &new_ca);
  Write("key.pem", renewed.KeyPem());
  Write("cert.pem", renewed.CertificatePem());
  EXPECT_TRUE(testing::Eventually([&] { return CallOverTls(server, new_ca).ok(); },
                                  std::chrono::seconds(60)));
}

TEST_F(CredentialsTest, FilesThatCannotWorkAreRefusedAtStart) {
  const TlsFiles good = Tls(/*mutual=*/true).tls;
  const std::string other_key = Write("other.pem", client_.KeyPem());
  const std::string no_pem = Write("no.pem", "-----BEGIN NOTHING-----\n");
  const std::string missing = (directory_ / "missing.pem").string();
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
