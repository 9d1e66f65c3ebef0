#include "server/account/phc_string.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace auth::account {
namespace {

// From the tests of the reference implementation.
constexpr char kGood[] =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

std::string With(std::string_view parameters, std::string_view salt = "c29tZXNhbHQ",
                 std::string_view tag = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc") {
  return "$argon2id$v=19$" + std::string(parameters) + "$" + std::string(salt) + "$" +
         std::string(tag);
}

TEST(PhcStringTest, TextComesBack) {
  const auto phc = PhcString::Parse(kGood);
  ASSERT_TRUE(phc.has_value());
  EXPECT_EQ(phc->parameters, (Argon2Parameters{65536, 2, 1}));
  EXPECT_EQ(phc->salt, "somesalt");
  EXPECT_EQ(phc->tag[0], 0x09);
  EXPECT_EQ(phc->tag[31], 0xf7);
  EXPECT_EQ(phc->ToString(), kGood);
}

TEST(PhcStringTest, BoundsAreInclusive) {
  EXPECT_TRUE(PhcString::Parse(With("m=262144,t=10,p=4")));
  EXPECT_TRUE(PhcString::Parse(With("m=8,t=1,p=1")));
  EXPECT_TRUE(PhcString::Parse(With("m=32,t=1,p=4")));
}

TEST(PhcStringTest, RefusesParametersBeyondTheBounds) {
  for (const std::string_view parameters :
       {"m=262145,t=2,p=1", "m=4294967295,t=2,p=1", "m=4294967296,t=2,p=1",
        "m=18446744073709551617,t=2,p=1", "m=19456,t=11,p=1", "m=19456,t=0,p=1", "m=19456,t=2,p=5",
        "m=19456,t=2,p=0", "m=7,t=2,p=1", "m=31,t=1,p=4", "m=0,t=2,p=1", "m=-1,t=2,p=1"}) {
    EXPECT_FALSE(PhcString::Parse(With(parameters))) << parameters;
  }
}

TEST(PhcStringTest, RefusesOtherWaysToWriteTheSame) {
  for (const std::string_view parameters :
       {"m=019456,t=2,p=1", "m=+19456,t=2,p=1", "m= 19456,t=2,p=1", "m=19456 ,t=2,p=1",
        "t=2,m=19456,p=1", "m=19456,t=2", "m=19456,t=2,p=1,", "m=19456,t=2,p=1,keyid=1",
        "m=,t=2,p=1", "M=19456,t=2,p=1", "m=0x10,t=2,p=1", ""}) {
    EXPECT_FALSE(PhcString::Parse(With(parameters))) << parameters;
  }
  for (const std::string_view salt : {"", "c29tZQ", "c29tZXNhbHQ=", "c29tZXNhbHR", "c29t ZXNhbHQ",
                                      "c29t\nZXNhbHQ", "c29tZXNhbHQ$", "____________"}) {
    EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", salt))) << salt;
  }
  const std::string tag = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_TRUE(PhcString::Parse(With("m=19456,t=2,p=1", "c29tZXNhbHQ", tag)));
  EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", "c29tZXNhbHQ", tag + "=")));
  EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", "c29tZXNhbHQ", tag + "AA")));
  EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", "c29tZXNhbHQ", tag.substr(4))));
  EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", "c29tZXNhbHQ", "")));
}

TEST(PhcStringTest, RefusesOtherFormats) {
  for (const std::string_view text :
       {"", "$", "$$$$$", "plain", "$2b$12$abcdefghijklmnopqrstuuWSyz0123456789abcdefghijklmnopqr",
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "x$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
        "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}) {
    EXPECT_FALSE(PhcString::Parse(text)) << text;
  }
  EXPECT_FALSE(PhcString::Parse(std::string(1 << 20, '$')));
  EXPECT_FALSE(PhcString::Parse(With("m=19456,t=2,p=1", std::string(1 << 20, 'A'))));
}

// What is accepted is within the bounds and is exactly what would be written.
TEST(PhcStringTest, DamagedStringsAreRefusedOrMeanThemselves) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = kGood;
    for (int k = 0; k < 1 + i % 3; ++k) text[random() % text.size()] = static_cast<char>(random());
    const auto phc = PhcString::Parse(text);
    if (!phc) {
      ++refused;
      continue;
    }
    EXPECT_EQ(phc->ToString(), text);
    EXPECT_LE(phc->parameters.memory_kib, PhcString::kMaxMemoryKib);
    EXPECT_LE(phc->parameters.iterations, PhcString::kMaxIterations);
  }
  EXPECT_GT(refused, 10000);
}

}  // namespace
}  // namespace auth::account
