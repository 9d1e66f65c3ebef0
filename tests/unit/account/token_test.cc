#include "server/account/token.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"

namespace auth::account {
namespace {

TEST(TokenTest, TextComesBack) {
  const Token token = Token::New();
  const std::string text = token.ToString();
  EXPECT_EQ(text.size(), 43u);
  const auto parsed = Token::Parse(text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->ToString(), text);
  EXPECT_EQ(parsed->Hash(), token.Hash());
}

TEST(TokenTest, HashIsTheSha256OfTheRawBytes) {
  const auto token = Token::Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");  // 00 01 … 1f
  ASSERT_TRUE(token.has_value());
  const TokenHash hash = token->Hash();
  EXPECT_EQ(absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), hash.size()}),
            "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
}

TEST(TokenTest, TokensDiffer) {
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.insert(Token::New().ToString());
  EXPECT_EQ(texts.size(), 1000u);
}

TEST(TokenTest, RefusesEveryTextButTheOneItWrites) {
  const std::string good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  EXPECT_FALSE(Token::Parse(""));
  EXPECT_FALSE(Token::Parse(good.substr(1)));
  EXPECT_FALSE(Token::Parse(good + "="));
  EXPECT_FALSE(Token::Parse(good.substr(0, 42) + "="));
  EXPECT_FALSE(Token::Parse(good.substr(0, 42) + " "));
  EXPECT_FALSE(Token::Parse(good.substr(0, 42) + "\n"));
  EXPECT_FALSE(Token::Parse(std::string(43, '\0')));
  EXPECT_FALSE(Token::Parse("+" + good.substr(1))) << "the letters of another base64";
  EXPECT_FALSE(Token::Parse(good.substr(0, 42) + "9")) << "the same bytes, other spare bits";
}

}  // namespace
}  // namespace auth::account
