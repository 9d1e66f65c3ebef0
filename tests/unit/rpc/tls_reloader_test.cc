#include "server/rpc/tls_reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"

namespace auth::rpc {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TestCertificate;

TestCertificate Certify(const std::string& name) {
  return testing::MakeSelfSignedCertificate(name, "DNS:localhost");
}

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Identity(const TestCertificate& of) { return of.certificate + of.key; }

class TlsReloaderTest : public ::testing::Test {
 protected:
  void Start() {
    auto reloader = TlsReloader::Start(
        files_,
        [this](const absl::StatusOr<WallTime>& not_after) {
          MutexLock lock(&mutex_);
          told_.push_back(not_after.status());
        },
        &clock_);
    ASSERT_THAT(reloader, IsOk());
    reloader_ = *std::move(reloader);
  }
  std::vector<absl::Status> told() {
    MutexLock lock(&mutex_);
    return told_;
  }
  // Lets it look until it has told `times` things in all.
  bool Looks(size_t times) {
    return testing::Eventually([&] {
      clock_.Advance(seconds(1));
      return told().size() >= times;
    });
  }

  testing::FakeClock clock_;
  const testing::TemporaryDirectory directory_;
  const TestCertificate first_ = Certify("first");
  const TestCertificate second_ = Certify("second");
  const TlsFiles files_ = {directory_.Write("cert.pem", first_.certificate),
                           directory_.Write("key.pem", first_.key),
                           directory_.Write("ca.pem", first_.certificate)};
  Mutex mutex_;
  std::vector<absl::Status> told_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<TlsReloader> reloader_;
};

TEST_F(TlsReloaderTest, HandsOnWhatTheFilesHold) {
  Start();
  EXPECT_EQ(Read(reloader_->identity_path()), Identity(first_));
  EXPECT_EQ(Read(reloader_->client_ca_path()), first_.certificate);
  EXPECT_THAT(told(), ::testing::ElementsAre(absl::OkStatus()));
}

TEST_F(TlsReloaderTest, FilesThatCannotWorkAreRefusedAtStart) {
  std::filesystem::remove(files_.key);
  const auto refused = TlsReloader::Start(
      files_, [](const auto&) { FAIL() << "told of"; }, &clock_);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TlsReloaderTest, ARenewedPairIsUsedOnceItIsWhole) {
  Start();
  directory_.Write("key.pem", second_.key);
  ASSERT_TRUE(Looks(2));
  EXPECT_THAT(std::string(told()[1].message()), HasSubstr("does not belong"));
  EXPECT_EQ(Read(reloader_->identity_path()), Identity(first_));
  directory_.Write("cert.pem", second_.certificate);
  ASSERT_TRUE(Looks(3));
  EXPECT_THAT(told()[2], IsOk());
  EXPECT_EQ(Read(reloader_->identity_path()), Identity(second_));
  directory_.Write("ca.pem", first_.certificate + second_.certificate);
  ASSERT_TRUE(Looks(4));
  EXPECT_THAT(told()[3], IsOk());
  EXPECT_EQ(Read(reloader_->client_ca_path()), first_.certificate + second_.certificate);
}

TEST_F(TlsReloaderTest, ATakenBackMistakeIsToldOf) {
  Start();
  directory_.Write("key.pem", second_.key);
  ASSERT_TRUE(Looks(2));
  directory_.Write("key.pem", first_.key);
  ASSERT_TRUE(Looks(3));
  EXPECT_THAT(told()[2], IsOk());
}

TEST_F(TlsReloaderTest, WhatCannotWorkIsToldOnceAndChangesNothing) {
  Start();
  std::string client_ca = first_.certificate;
  size_t expected = 1;
  for (const char* name : {"cert.pem", "key.pem", "ca.pem"}) {
    for (const bool missing : {false, true}) {
      SCOPED_TRACE(name);
      const std::string before = Read((directory_.path() / name).string());
      directory_.Write(name, "");
      if (missing) std::filesystem::remove(directory_.path() / name);
      ASSERT_TRUE(Looks(++expected));
      EXPECT_THAT(std::string(told().back().message()), HasSubstr(name));
      for (int look = 0; look < 3; ++look) clock_.Advance(seconds(1));
      EXPECT_EQ(Read(reloader_->identity_path()), Identity(first_));
      EXPECT_EQ(Read(reloader_->client_ca_path()), client_ca);
      // Mended: the next thing that it tells is a new authority.
      directory_.Write(name, before);
      client_ca += second_.certificate;
      directory_.Write("ca.pem", client_ca);
      ASSERT_TRUE(Looks(++expected));
      EXPECT_THAT(told().back(), IsOk());
      EXPECT_EQ(Read(reloader_->client_ca_path()), client_ca);
    }
  }
}

}  // namespace
}  // namespace auth::rpc
