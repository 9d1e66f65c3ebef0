#include "server/account/email_address.h"

#include <gtest/gtest.h>
#include <unicode/idna.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace auth::account {
namespace {

// The key, or the name of the violation.
std::string KeyOf(std::string_view raw) {
  std::vector<FieldViolation> violations;
  const auto email = EmailAddress::Parse(raw, &violations);
  if (email) {
    EXPECT_TRUE(violations.empty()) << raw;
    return email->key();
  }
  EXPECT_EQ(violations.size(), 1u) << raw;
  if (violations.empty()) return "";
  EXPECT_EQ(violations[0].field, "email");
  EXPECT_FALSE(violations[0].description.empty());
  return std::string(Name(violations[0].violation));
}

std::string DomainKeyOf(std::string_view domain) {
  const std::string key = KeyOf("a@" + std::string(domain));
  return key.substr(0, 2) == "a@" ? key.substr(2) : key;
}

std::string LocalKeyOf(std::string_view local) {
  const std::string key = KeyOf(std::string(local) + "@b.com");
  return key.substr(0, key.find('@'));
}

constexpr char kMalformed[] = "EMAIL_MALFORMED";

TEST(EmailAddressTest, DomainIsUts46InAscii) {
  EXPECT_EQ(DomainKeyOf("EXAMPLE.com"), "example.com");
  EXPECT_EQ(DomainKeyOf("straße.de"), "xn--strae-oqa.de");
  EXPECT_EQ(DomainKeyOf("strasse.de"), "strasse.de");
  EXPECT_EQ(DomainKeyOf("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(DomainKeyOf("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(DomainKeyOf("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(DomainKeyOf("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
  EXPECT_EQ(DomainKeyOf("example。com"), "example.com");
  EXPECT_EQ(DomainKeyOf("a\u00e9.com"), "xn--a-bga.com");
  EXPECT_EQ(DomainKeyOf("ae\u0301.com"), "xn--a-bga.com");
}

TEST(EmailAddressTest, RefusesDomains) {
  for (const std::string_view domain : {"exam\u00adple.com",
                                        "exam\u200bple.com",
                                        "a\u200db.com",
                                        "xn--a.com",
                                        "xn--a",
                                        "-a.com",
                                        "a-.com",
                                        "a..b",
                                        "a_b.com",
                                        "[192.168.0.1]",
                                        "\u0661\u06f1.com",
                                        "",
                                        ".",
                                        "com",
                                        "b.com.",
                                        "b.com。",
                                        ".b.com",
                                        "b com",
                                        "b.com\n",
                                        "\u202eb.com",
                                        "\u0301b.com",
                                        "b\ufe0f.com",
                                        "b.\u2488com",
                                        "\u0627b.com"}) {
    EXPECT_EQ(DomainKeyOf(domain), kMalformed) << domain;
  }
}

TEST(EmailAddressTest, DomainHasTheLimitsOfTheDns) {
  const std::string label(63, 'a');
  EXPECT_EQ(DomainKeyOf(label + ".com"), label + ".com");
  EXPECT_EQ(DomainKeyOf(label + "a.com"), kMalformed);
  // 254 bytes leave 252 for a domain as typed; in ASCII it may be longer.
  EXPECT_EQ(DomainKeyOf(label + "." + label + "." + label + ".com").size(), 195u);
  std::string expanding = "ü";
  for (int i = 0; i < 45; ++i) expanding += ".ü";  // 137 bytes, in ASCII 7 for each label
  EXPECT_EQ(DomainKeyOf(expanding), kMalformed);
}

TEST(EmailAddressTest, LocalPartIsFoldedAndNothingElse) {
  EXPECT_EQ(LocalKeyOf("Ann.Lee+News"), "ann.lee+news");
  EXPECT_EQ(LocalKeyOf("\ufb01"), "fi");
  EXPECT_EQ(LocalKeyOf("ß"), "ss");
  EXPECT_EQ(LocalKeyOf("\u212b"), LocalKeyOf("\u00c5"));
  EXPECT_EQ(LocalKeyOf("e\u0301"), LocalKeyOf("\u00c9"));
  EXPECT_EQ(LocalKeyOf("почта"), "почта");
  EXPECT_EQ(LocalKeyOf("用户"), "用户");
  EXPECT_EQ(LocalKeyOf("!#$%&'*+-/=?^_`{|}~"), "!#$%&'*+-/=?^_`{|}~");
  EXPECT_EQ(LocalKeyOf(std::string(64, 'a')), std::string(64, 'a'));
}

TEST(EmailAddressTest, RefusesLocalParts) {
  for (const std::string_view local :
       {"",         ".a",       "a.",       "a..b",     "a b",      "\"a\"",    "a,b",
        "a(b)",     "a\\b",     "a:b",      "a<b>",     "a\tb",     "a\u00a0b", "a\u200bb",
        "a\u00adb", "a\u202eb", "a\u2028b", "a\x7f",    "a\u0085b", "a\uff20b", "a\u2024b",
        "a\u00bcb", "a\ufdfab", "a\uffffb", "a\u0378b", "a\ue000b", "😀"}) {
    EXPECT_EQ(LocalKeyOf(local), kMalformed) << local;
  }
  EXPECT_EQ(LocalKeyOf(std::string(65, 'a')), kMalformed);
  EXPECT_EQ(LocalKeyOf(std::string_view("a\0b", 3)), kMalformed);
}

TEST(EmailAddressTest, RefusesWhatIsNoAddress) {
  EXPECT_EQ(KeyOf(""), "REQUIRED");
  EXPECT_EQ(KeyOf("a"), kMalformed);
  EXPECT_EQ(KeyOf("a@b@c.com"), kMalformed);
  EXPECT_EQ(KeyOf("\"a@b\"@c.com"), kMalformed);
  EXPECT_EQ(KeyOf("a@b.com "), kMalformed);
  EXPECT_EQ(KeyOf(" a@b.com"), kMalformed);
  EXPECT_EQ(KeyOf("Ann <a@b.com>"), kMalformed);
  EXPECT_EQ(KeyOf("\xff@b.com"), kMalformed);
  EXPECT_EQ(KeyOf("\xc0\xae@b.com"), kMalformed) << "an overlong form";
  EXPECT_EQ(KeyOf("\xed\xa0\x80@b.com"), kMalformed) << "a surrogate";
  EXPECT_EQ(KeyOf("a@" + std::string(253, 'b')), "EMAIL_TOO_LONG");
}

TEST(EmailAddressTest, DisplayIsAsTypedInNormalFormC) {
  std::vector<FieldViolation> violations;
  const auto email = EmailAddress::Parse("Re\u0301ne\u0301@BU\u0308CHER.example", &violations);
  ASSERT_TRUE(email.has_value());
  EXPECT_EQ(email->display(), "R\u00e9n\u00e9@B\u00dcCHER.example");
  EXPECT_EQ(email->key(), "r\u00e9n\u00e9@xn--bcher-kva.example");
}

TEST(EmailAddressTest, StructureIsCheckedWithoutReadingTheText) {
  std::vector<FieldViolation> violations;
  EXPECT_TRUE(EmailAddress::CheckStructure("\xff@", &violations));
  EXPECT_FALSE(EmailAddress::CheckStructure("", &violations));
  EXPECT_FALSE(EmailAddress::CheckStructure("a@@b", &violations));
  EXPECT_FALSE(EmailAddress::CheckStructure(std::string(255, '@'), &violations));
  ASSERT_EQ(violations.size(), 3u);
  EXPECT_EQ(violations[0].violation, Violation::kRequired);
  EXPECT_EQ(violations[1].violation, Violation::kEmailMalformed);
  EXPECT_EQ(violations[2].violation, Violation::kEmailTooLong);
}

// UTS #46 deletes some code points; an address with one must not be taken for the one without.
TEST(EmailAddressTest, NoCodePointVanishesFromADomain) {
  for (UChar32 c = 0x80; c <= 0x10FFFF; ++c) {
    if (U_GET_GC_MASK(c) & (U_GC_CN_MASK | U_GC_CS_MASK | U_GC_CO_MASK | U_GC_LO_MASK)) continue;
    std::string domain;
    icu::UnicodeString(c).toUTF8String(domain);
    EXPECT_NE(DomainKeyOf("a" + domain + "b.com"), "ab.com") << "U+" << std::hex << c;
  }
}

// A key is the key of itself, whatever the input: else one user could have two.
TEST(EmailAddressTest, KeysAreStable) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<UChar32> low(0x21, 0x24f);
  std::uniform_int_distribution<UChar32> any(0x21, 0x1ffff);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    icu::UnicodeString local;
    for (int k = 0; k < 3; ++k) local.append(i % 2 == 0 ? low(random) : any(random));
    std::string raw;
    local.toUTF8String(raw);
    std::vector<FieldViolation> violations;
    const auto email = EmailAddress::Parse(raw + "@b.com", &violations);
    if (!email) continue;
    ++accepted;
    EXPECT_EQ(KeyOf(email->key()), email->key()) << raw;
    EXPECT_EQ(KeyOf(email->display()), email->key()) << raw;
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace auth::account
