#include "server/account/secret.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace auth::account {
namespace {

TEST(SecretTest, TakingWipesTheSourceAlsoInsideAShortString) {
  std::string text = "hunter2";
  const char* const bytes = text.data();
  const Secret secret = Secret::TakeFrom(&text);
  EXPECT_EQ(secret.view(), "hunter2");
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(bytes, 7), std::string(7, '\0'));
}

TEST(SecretTest, MovingLeavesNothingBehind) {
  Secret first = Secret::CopyOf("hunter2");
  const char* const bytes = first.view().data();
  Secret second = std::move(first);
  EXPECT_EQ(second.view().data(), bytes) << "the bytes must not be copied";
  EXPECT_EQ(first.view(), "");  // NOLINT(bugprone-use-after-move)
  second = Secret::CopyOf("other");
  EXPECT_EQ(second.view(), "other");
}

}  // namespace
}  // namespace auth::account
