#include "server/rpc/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"

namespace auth::rpc {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TestCertificate;

class TlsFilesTest : public ::testing::Test {
 protected:
  void ExpectRefused(const TlsFiles& files, const std::string& says) const {
    SCOPED_TRACE(says);
    const absl::Status status = ReadTlsFiles(files).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }

  const testing::TemporaryDirectory directory_;
  const TestCertificate ca_ = testing::MakeSelfSignedCertificate("ca", "DNS:localhost");
  const TestCertificate other_ca_ = testing::MakeSelfSignedCertificate("other", "DNS:localhost");
  const TestCertificate server_ = testing::MakeCertificate("server", "DNS:localhost", ca_);
  const std::string chain_ = server_.certificate + ca_.certificate;
  const TlsFiles good_ = {directory_.Write("cert.pem", chain_),
                          directory_.Write("key.pem", server_.key),
                          directory_.Write("ca.pem", ca_.certificate + other_ca_.certificate)};
};

TEST_F(TlsFilesTest, HoldTheWholeChainTheKeyAndAllAuthorities) {
  const absl::StatusOr<TlsMaterial> material = ReadTlsFiles(good_);
  ASSERT_THAT(material, IsOk());
  EXPECT_EQ(material->identity, chain_ + server_.key);
  EXPECT_EQ(material->client_ca, ca_.certificate + other_ca_.certificate);
  const auto left = material->not_after - std::chrono::system_clock::now();
  EXPECT_GT(left, minutes(58));
  EXPECT_LE(left, minutes(60));
  EXPECT_EQ(ReadTlsFiles({good_.cert, good_.key, ""})->client_ca, "");
}

TEST_F(TlsFilesTest, AreRefusedByFlagAndFile) {
  const std::string missing = (directory_.path() / "missing.pem").string();
  const std::string other_key = directory_.Write("other.pem", ca_.key);
  const std::string empty = directory_.Write("empty.pem", "");
  const std::string no_pem = directory_.Write("no.pem", "-----BEGIN NOTHING-----\n");
  ExpectRefused({good_.cert, other_key, ""}, "does not belong to");
  ExpectRefused({good_.cert, "", ""}, "by half");
  ExpectRefused({"", good_.key, ""}, "by half");
  ExpectRefused({"", "", good_.client_ca}, "by half");
  for (const std::string& bad : {missing, empty, no_pem, directory_.path().string()}) {
    ExpectRefused({bad, good_.key, ""}, "--tls-cert=" + bad);
    ExpectRefused({good_.cert, bad, ""}, "--tls-key=" + bad);
    ExpectRefused({good_.cert, good_.key, bad}, "--tls-client-ca=" + bad);
  }
}

TEST_F(TlsFilesTest, MayBeOneFile) {
  const std::string both = directory_.Write("both.pem", server_.key + chain_);
  EXPECT_EQ(ReadTlsFiles({both, both, ""})->identity, chain_ + server_.key);
}

// gRPC would fail every handshake.
TEST_F(TlsFilesTest, AreRefusedIfTheyAreTooWeakForOpenSsl) {
  const TestCertificate weak = testing::MakeWeakCertificate("weak");
  ExpectRefused({directory_.Write("weak.pem", weak.certificate),
                 directory_.Write("weak-key.pem", weak.key), ""},
                "ee key too small");
}

// As they are while somebody writes them.
TEST_F(TlsFilesTest, AreRefusedUnlessTheirLastCertificateIsWhole) {
  for (const size_t missing : {2U, 30U, 300U}) {
    const std::string cut = directory_.Write("cut.pem", chain_.substr(0, chain_.size() - missing));
    ExpectRefused({cut, good_.key, ""}, "--tls-cert=" + cut);
    ExpectRefused({good_.cert, good_.key, cut}, "--tls-client-ca=" + cut);
  }
}

}  // namespace
}  // namespace auth::rpc
