#include "server/account/password_policy.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace auth::account {
namespace {

// "OK", or the name of the violation.
std::string Judge(const PasswordPolicy& policy, std::string_view password,
                  std::string_view email = "") {
  std::vector<FieldViolation> violations;
  const auto text = PasswordText::Parse(password, &violations);
  std::optional<EmailAddress> address;
  if (!email.empty()) address = EmailAddress::Parse(email, &violations);
  EXPECT_TRUE(violations.empty());
  if (policy.Check(*text, address ? &*address : nullptr, &violations)) return "OK";
  EXPECT_EQ(violations.size(), 1u);
  if (violations.empty()) return "";
  EXPECT_EQ(violations[0].field, "password");
  EXPECT_EQ(violations[0].description.find(password), std::string::npos);
  return std::string(Name(violations[0].violation));
}

constexpr char kTooCommon[] = "PASSWORD_TOO_COMMON";
constexpr char kTooShort[] = "PASSWORD_TOO_SHORT";

class PasswordPolicyTest : public ::testing::Test {
 protected:
  const PasswordPolicy policy_{PasswordPolicy::Options{}};
};

TEST_F(PasswordPolicyTest, AcceptsWhatIsHardToGuess) {
  EXPECT_EQ(Judge(policy_, "TestPass123"), "OK");
  EXPECT_EQ(Judge(policy_, "TestPass123", "test@example.com"), "OK");
  EXPECT_EQ(Judge(policy_, "SecurePass123"), "OK");
  EXPECT_EQ(Judge(policy_, "correct horse battery staple"), "OK");
  EXPECT_EQ(Judge(policy_, "лошадь скрепка батарея"), "OK");
}

TEST_F(PasswordPolicyTest, RefusesWhatIsCommon) {
  for (const std::string_view password :
       {"password1", "P@ssw0rd1", "qwertyuiop", "12345678", "aaaaaaaaaaaa", "iloveyou1"}) {
    EXPECT_EQ(Judge(policy_, password), kTooCommon) << password;
  }
}

TEST_F(PasswordPolicyTest, RefusesWhatIsCommonInOtherScripts) {
  for (const std::string_view password :
       {"пароль123", "Пароль123", "Pässwort1", "pässwörd1", "パスワード123", "비밀번호1234",
        "contraseña1", "ｐａｓｓｗｏｒｄ１"}) {
    EXPECT_EQ(Judge(policy_, password), kTooCommon) << password;
  }
}

// Found by fuzzing: each word of an address took a rank from the words of other languages.
TEST_F(PasswordPolicyTest, NoAddressMakesAPasswordBetter) {
  const std::string address =
      "alpha.bravo1.charlie.deltas.echoes.foxtrot@golfs.hotels.indias.juliett.kilos1.limas.example";
  for (const std::string_view password : {"stPässwort", "stPasswort", "Passwort77"}) {
    EXPECT_EQ(Judge(policy_, password), kTooCommon) << password;
    EXPECT_EQ(Judge(policy_, password, address), kTooCommon) << password;
  }
}

TEST_F(PasswordPolicyTest, RefusesTheEmailAddress) {
  EXPECT_EQ(Judge(policy_, "testuser123"), "OK");
  EXPECT_EQ(Judge(policy_, "testuser123", "testuser@example.com"), kTooCommon);
  EXPECT_EQ(Judge(policy_, "TestUser123", "TESTUSER@example.com"), kTooCommon);
  EXPECT_EQ(Judge(policy_, "zanzibarco1", "ann@zanzibarco.com"), kTooCommon);
  EXPECT_EQ(Judge(policy_, "вячеслав123", "вячеслав@example.com"), kTooCommon);
}

TEST_F(PasswordPolicyTest, CountsCharactersNotBytes) {
  EXPECT_EQ(Judge(policy_, "k7$Qz!x"), kTooShort);
  EXPECT_EQ(Judge(policy_, "k7$Qz!xv"), "OK");
  EXPECT_EQ(Judge(policy_, "жщхъэюё"), kTooShort) << "7 characters in 14 bytes";
}

TEST_F(PasswordPolicyTest, LongTextIsJudgedByItsStart) {
  EXPECT_EQ(Judge(policy_, std::string(256, 'a')), kTooCommon);
  std::string scripts;
  for (int i = 0; i < 85; ++i) scripts += "密x😀";
  EXPECT_EQ(Judge(policy_, scripts), "OK");
}

TEST_F(PasswordPolicyTest, LimitsAreSettings) {
  const PasswordPolicy strict(PasswordPolicy::Options{.min_length = 15, .min_guesses = 1e10});
  EXPECT_EQ(Judge(strict, "SecurePass123"), kTooShort);
  EXPECT_EQ(Judge(strict, "SecurePass12345"), kTooCommon);
  EXPECT_EQ(Judge(strict, "correct horse battery staple"), "OK");
}

TEST_F(PasswordPolicyTest, ServesManyThreads) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int k = 0; k < 50; ++k) {
        EXPECT_EQ(Judge(policy_, "пароль123"), kTooCommon);
        EXPECT_EQ(Judge(policy_, "лошадь скрепка батарея"), "OK");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(PasswordPolicyOptionsTest, ImpossibleLimitsAreRefused) {
  EXPECT_TRUE(PasswordPolicy::Options{}.Validate().ok());
  EXPECT_FALSE((PasswordPolicy::Options{.min_length = 0}.Validate().ok()));
  EXPECT_FALSE((PasswordPolicy::Options{.min_length = 257}.Validate().ok()));
  EXPECT_FALSE((PasswordPolicy::Options{.min_guesses = 0}.Validate().ok()));
  EXPECT_FALSE((PasswordPolicy::Options{.min_guesses = std::stod("nan")}.Validate().ok()));
}

}  // namespace
}  // namespace auth::account
