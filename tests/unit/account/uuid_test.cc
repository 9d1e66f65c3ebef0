#include "server/account/uuid.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace auth::account {
namespace {

constexpr std::string_view kText = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";  // RFC 9562, A.6

TEST(UuidTest, TextComesBackInLowerCase) {
  const auto id = Uuid::Parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->ToString(), kText);
  EXPECT_EQ(id->bytes()[0], 0x01);
  EXPECT_EQ(id->bytes()[15], 0x8f);
}

TEST(UuidTest, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c0739}",
        "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e27-9b0-7cc3-98c4-dc0c0c07398f", " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f"}) {
    EXPECT_FALSE(Uuid::Parse(text).has_value()) << text;
  }
}

TEST(UuidTest, Version7StartsWithTheMillisecond) {
  // The time of RFC 9562's example.
  const WallTime now{std::chrono::milliseconds(0x017F22E279B0)};
  const std::string text = Uuid::NewV7(now).ToString();
  EXPECT_EQ(text.substr(0, 15), kText.substr(0, 15));
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
}

TEST(UuidTest, IdsOfOneMillisecondDiffer) {
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  std::set<Uuid> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(Uuid::NewV7(now));
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(UuidTest, LaterIdsSortLater) {
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  EXPECT_LT(Uuid::NewV7(now), Uuid::NewV7(now + std::chrono::milliseconds(1)));
  EXPECT_LT(Uuid::NewV7(now).ToString(),
            Uuid::NewV7(now + std::chrono::milliseconds(1)).ToString());
}

}  // namespace
}  // namespace auth::account
