#include "server/rpc/service_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::rpc {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// SHA-256 of "one" and of "two".
constexpr char kOne[] = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
constexpr char kTwo[] = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

class ServiceTokensTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content) { return directory_.Write("tokens", content); }
  absl::StatusOr<std::unique_ptr<ServiceTokens>> Load(const std::string& path) {
    return ServiceTokens::Load(
        path,
        [this](const absl::Status& status) {
          MutexLock lock(&mutex_);
          reloads_.push_back(status);
        },
        &clock_);
  }
  std::vector<absl::Status> reloads() {
    MutexLock lock(&mutex_);
    return reloads_;
  }
  // Lets it look until it has told `times` things in all.
  bool Looks(size_t times) {
    return testing::Eventually([&] {
      clock_.Advance(seconds(1));
      return reloads().size() >= times;
    });
  }

  testing::FakeClock clock_;
  const testing::TemporaryDirectory directory_;
  Mutex mutex_;
  std::vector<absl::Status> reloads_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(ServiceTokensTest, KnowsWhomATokenBelongsTo) {
  const auto tokens =
      Load(Write(std::string("# who may\n\n  oncall\tadmin ") + kOne + "\r\nrobot admin " + kTwo));
  ASSERT_THAT(tokens, IsOk());
  ASSERT_TRUE((*tokens)->Find("one").has_value());
  EXPECT_EQ((*tokens)->Find("one")->name, "oncall");
  EXPECT_EQ((*tokens)->Find("one")->role, Role::kAdmin);
  EXPECT_EQ((*tokens)->Find("two")->name, "robot");
  for (const char* nobodys : {"", "three", "One", "one ", kOne}) {
    EXPECT_FALSE((*tokens)->Find(nobodys).has_value()) << nobodys;
  }
}

TEST_F(ServiceTokensTest, AnEmptyFileIsGoodAndLetsNobodyIn) {
  const auto tokens = Load(Write(""));
  ASSERT_THAT(tokens, IsOk());
  EXPECT_FALSE((*tokens)->Find("one").has_value());
}

TEST_F(ServiceTokensTest, ABadLineIsNamed) {
  for (const std::string& line :
       {std::string("oncall"), std::string("oncall admin"), std::string("oncall root ") + kOne,
        std::string("oncall admin one"), std::string("oncall admin ") + kOne + " more",
        std::string("oncall admin z") + std::string(kOne).substr(1)}) {
    const auto tokens = Load(Write("# first\n" + line + "\n"));
    EXPECT_THAT(tokens, StatusIs(absl::StatusCode::kInvalidArgument)) << line;
    EXPECT_THAT(std::string(tokens.status().message()), HasSubstr("tokens:2: must be")) << line;
  }
}

TEST_F(ServiceTokensTest, AFileThatCannotBeReadIsNamed) {
  for (const std::string& path :
       {directory_.path().string(), directory_.path().string() + "/none"}) {
    const auto tokens = Load(path);
    EXPECT_THAT(tokens, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(tokens.status().message()), HasSubstr(path));
  }
}

TEST_F(ServiceTokensTest, AChangedFileIsReadAgain) {
  const auto tokens = Load(Write(std::string("oncall admin ") + kOne + "\n"));
  ASSERT_THAT(tokens, IsOk());
  Write(std::string("robot admin ") + kTwo + "\n");
  EXPECT_TRUE((*tokens)->Find("one").has_value()) << "not yet";
  ASSERT_TRUE(Looks(1));
  EXPECT_THAT(reloads()[0], IsOk());
  EXPECT_FALSE((*tokens)->Find("one").has_value());
  EXPECT_TRUE((*tokens)->Find("two").has_value());
}

// As by `cp`, which empties the file before it writes.
TEST_F(ServiceTokensTest, AFileThatIsStillBeingWrittenIsNotUsed) {
  const std::string text = std::string("oncall admin ") + kOne + "\n";
  const auto tokens = Load(Write(text));
  ASSERT_THAT(tokens, IsOk());
  std::string growing;
  for (int look = 0; look < 10; ++look) {
    Write(growing += "# another line\n");
    clock_.Advance(seconds(1));
    EXPECT_TRUE((*tokens)->Find("one").has_value());
  }
  Write(growing + text + "robot admin " + kTwo + "\n");
  ASSERT_TRUE(Looks(1));
  EXPECT_TRUE((*tokens)->Find("one").has_value());
  EXPECT_TRUE((*tokens)->Find("two").has_value());
}

TEST_F(ServiceTokensTest, WhileTheFileIsBadTheOldTokensHold) {
  const std::string path = Write(std::string("oncall admin ") + kOne + "\n");
  const auto tokens = Load(path);
  ASSERT_THAT(tokens, IsOk());
  Write("nonsense\n");
  ASSERT_TRUE(Looks(1));
  EXPECT_THAT(reloads()[0], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE((*tokens)->Find("one").has_value());
  std::filesystem::remove(path);
  ASSERT_TRUE(Looks(2));
  EXPECT_THAT(reloads()[1], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE((*tokens)->Find("one").has_value());
  Write(std::string("robot admin ") + kTwo + "\n");
  ASSERT_TRUE(Looks(3));
  EXPECT_THAT(reloads()[2], IsOk());
  EXPECT_TRUE((*tokens)->Find("two").has_value());
  EXPECT_FALSE((*tokens)->Find("one").has_value());
}

}  // namespace
}  // namespace auth::rpc
