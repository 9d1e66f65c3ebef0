#include "server/account/password_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace auth::account {
namespace {

// The prepared text, or the name of the violation.
std::string Prepared(std::string_view raw) {
  std::vector<FieldViolation> violations;
  const auto password = PasswordText::Parse(raw, &violations);
  if (password) {
    EXPECT_TRUE(violations.empty());
    return std::string(password->view());
  }
  EXPECT_EQ(violations.size(), 1u);
  if (violations.empty()) return "";
  EXPECT_EQ(violations[0].field, "password");
  return std::string(Name(violations[0].violation));
}

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

constexpr char kMalformed[] = "PASSWORD_MALFORMED";
constexpr char kTooLong[] = "PASSWORD_TOO_LONG";

TEST(PasswordTextTest, IsOpaqueString) {
  EXPECT_EQ(Prepared("correct horse"), "correct horse");
  EXPECT_EQ(Prepared("e\u0301"), "\u00e9");
  EXPECT_EQ(Prepared("\u00e9"), "\u00e9");
  EXPECT_EQ(Prepared("a\u00a0b"), "a b");
  EXPECT_EQ(Prepared("a\u3000b"), "a b");
  EXPECT_EQ(Prepared("foo\u1680bar"), "foo bar");  // RFC 8265, 4.3
  EXPECT_EQ(Prepared("Jack of \u2666s"), "Jack of \u2666s");
  EXPECT_EQ(Prepared("\ufb01le"), "\ufb01le");
  EXPECT_EQ(Prepared("x\u00b2"), "x\u00b2");
  EXPECT_EQ(Prepared("  Spaces and CASE stay  "), "  Spaces and CASE stay  ");
  EXPECT_EQ(Prepared("❤️👩‍💻"), "❤️👩‍💻");
}

TEST(PasswordTextTest, RefusesWhatCannotBeTypedAgain) {
  EXPECT_EQ(Prepared(std::string_view("a\0b", 3)), kMalformed);
  EXPECT_EQ(Prepared("my cat is a \tby"), kMalformed);  // RFC 8265, 4.3
  EXPECT_EQ(Prepared("a\nb"), kMalformed);
  EXPECT_EQ(Prepared("a\x7f"), kMalformed);
  EXPECT_EQ(Prepared("a\u0085b"), kMalformed);
  EXPECT_EQ(Prepared("a\u2028b"), kMalformed);
  EXPECT_EQ(Prepared("a\u0378b"), kMalformed) << "unassigned";
  EXPECT_EQ(Prepared("a\uffffb"), kMalformed) << "a noncharacter";
  EXPECT_EQ(Prepared("\xff"), kMalformed);
  EXPECT_EQ(Prepared("\xed\xa0\x80"), kMalformed) << "a surrogate";
  EXPECT_EQ(Prepared("ab\xe2\x82"), kMalformed) << "cut in a character";
  EXPECT_EQ(Prepared(""), "REQUIRED");
}

TEST(PasswordTextTest, IsMeasuredAsTyped) {
  EXPECT_EQ(Prepared(std::string(256, 'a')), std::string(256, 'a'));
  EXPECT_EQ(Prepared(std::string(257, 'a')), kTooLong);
  EXPECT_EQ(Prepared(Repeat("😀", 256)), Repeat("😀", 256)) << "1,024 bytes";
  EXPECT_EQ(Prepared(Repeat("😀", 257)), kTooLong);
  EXPECT_EQ(Prepared(std::string(1025, '\xff')), kTooLong);
  EXPECT_EQ(Prepared(Repeat("e\u0301", 129)), kTooLong) << "129 characters, 258 code points";
  // The code points that grow most under NFC: to three, in 12 bytes.
  EXPECT_EQ(Prepared(Repeat("\U0001d160", 256)), Repeat("\U0001d158\U0001d165\U0001d16e", 256));
  EXPECT_EQ(Prepared(Repeat("\u0390", 256)), Repeat("\u0390", 256));
}

TEST(PasswordTextTest, CountsTheCodePointsThatAreHashed) {
  std::vector<FieldViolation> violations;
  EXPECT_EQ(PasswordText::Parse("e\u0301😀a", &violations)->code_points(), 3u);
}

TEST(PasswordTextTest, StructureIsCheckedWithoutReadingTheText) {
  std::vector<FieldViolation> violations;
  EXPECT_TRUE(PasswordText::CheckStructure("\xff", &violations));
  EXPECT_TRUE(violations.empty());
  EXPECT_FALSE(PasswordText::CheckStructure("", &violations));
  EXPECT_FALSE(PasswordText::CheckStructure(std::string(1025, 'a'), &violations));
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].violation, Violation::kRequired);
  EXPECT_EQ(violations[1].violation, Violation::kPasswordTooLong);
}

}  // namespace
}  // namespace auth::account
