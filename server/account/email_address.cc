#include "server/account/email_address.h"

#include <unicode/idna.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace auth::account {
namespace {

constexpr size_t kMaxDomainBytes = 253;
constexpr auto kMaxUnits = static_cast<int32_t>(EmailAddress::kMaxBytes);  // of UTF-16
constexpr uint32_t kLettersMarksDigits = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
constexpr std::string_view kAsciiAtomSymbols = "!#$%&'*+-/=?^_`{|}~";

constexpr uint32_t kUts46Options = UIDNA_NONTRANSITIONAL_TO_ASCII |
                                   UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_CHECK_BIDI |
                                   UIDNA_CHECK_CONTEXTJ | UIDNA_USE_STD3_RULES;

void Refuse(Violation violation, std::string description, std::vector<FieldViolation>* violations) {
  violations->push_back({"email", violation, std::move(description)});
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

// The address in normalisation form C; nullopt if it is not UTF-8.
std::optional<icu::UnicodeString> DecodeNormalized(std::string_view raw) {
  icu::UnicodeString text;
  int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(text.getBuffer(kMaxUnits), kMaxUnits, &length, raw.data(),
                static_cast<int32_t>(raw.size()), &error);
  text.releaseBuffer(U_SUCCESS(error) ? length : 0);
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return std::nullopt;
  icu::UnicodeString normalized = nfc->normalize(text, error);
  if (U_FAILURE(error)) return std::nullopt;
  return normalized;
}

// What no part of an address may hold: it cannot be seen, or changes how the rest is seen.
bool IsInvisible(UChar32 c) {
  return u_charType(c) == U_CONTROL_CHAR || u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
         u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL);
}

bool HasInvisible(const icu::UnicodeString& text) {
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    if (IsInvisible(text.char32At(i))) return true;
  }
  return false;
}

// RFC 5322 atext, with the letters of other scripts that RFC 6531 adds to it.
bool IsAtomText(UChar32 c) {
  if (c < 0x80 && kAsciiAtomSymbols.find(static_cast<char>(c)) != std::string_view::npos) {
    return true;
  }
  return (U_GET_GC_MASK(c) & kLettersMarksDigits) != 0;
}

bool IsDotAtom(const icu::UnicodeString& text) {
  bool after_atom = false;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (c == '.') {
      if (!after_atom) return false;
      after_atom = false;
    } else {
      if (!IsAtomText(c)) return false;
      after_atom = true;
    }
  }
  return after_atom;
}

// The identity of a local part; nullopt if it is none. The folded text is checked again, because
// compatibility forms hide other characters: U+00BC folds to "1/4" with a U+2044 in it.
std::optional<std::string> LocalKey(const icu::UnicodeString& local) {
  if (!IsDotAtom(local)) return std::nullopt;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  if (U_FAILURE(error)) return std::nullopt;
  const icu::UnicodeString folded = fold->normalize(local, error);
  if (U_FAILURE(error) || !IsDotAtom(folded)) return std::nullopt;
  return ToUtf8(folded);
}

// The domain in ASCII; nullopt if it is none.
std::optional<std::string> DomainKey(const icu::UnicodeString& domain) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::IDNA> uts46(icu::IDNA::createUTS46Instance(kUts46Options, error));
  if (U_FAILURE(error)) return std::nullopt;
  icu::IDNAInfo info;
  icu::UnicodeString ascii;
  uts46->nameToASCII(domain, ascii, info, error);
  if (U_FAILURE(error) || info.hasErrors()) return std::nullopt;
  std::string key = ToUtf8(ascii);
  const bool has_dot = key.find('.') != std::string::npos;
  // UTS #46 lets a name end with the root's dot; an e-mail domain has none.
  if (!has_dot || key.back() == '.' || key.size() > kMaxDomainBytes) return std::nullopt;
  return key;
}

}  // namespace

bool EmailAddress::CheckStructure(std::string_view raw, std::vector<FieldViolation>* violations) {
  if (raw.empty()) {
    Refuse(Violation::kRequired, "Give an e-mail address.", violations);
    return false;
  }
  if (raw.size() > kMaxBytes) {
    Refuse(Violation::kEmailTooLong, "Give an address of at most 254 bytes.", violations);
    return false;
  }
  if (std::count(raw.begin(), raw.end(), '@') != 1) {
    Refuse(Violation::kEmailMalformed,
           "Write the address as name@example.com, with exactly one \"@\".", violations);
    return false;
  }
  return true;
}

std::optional<EmailAddress> EmailAddress::Parse(std::string_view raw,
                                                std::vector<FieldViolation>* violations) {
  const auto malformed = [violations](std::string description) {
    Refuse(Violation::kEmailMalformed, std::move(description), violations);
    return std::nullopt;
  };
  if (!CheckStructure(raw, violations)) return std::nullopt;
  const std::optional<icu::UnicodeString> text = DecodeNormalized(raw);
  if (!text) return malformed("Send the address as valid UTF-8.");
  if (HasInvisible(*text)) {
    return malformed("Remove spaces, control characters and invisible characters.");
  }

  const int32_t at = text->indexOf(u'@');
  const icu::UnicodeString local = text->tempSubString(0, at);
  if (ToUtf8(local).size() > kMaxLocalBytes) {
    return malformed("Use at most 64 bytes before the \"@\".");
  }
  const std::optional<std::string> local_key = LocalKey(local);
  if (!local_key) {
    return malformed(
        "Before the \"@\" use letters, digits and !#$%&'*+-/=?^_`{|}~ with single dots between "
        "them.");
  }
  const std::optional<std::string> domain_key = DomainKey(text->tempSubString(at + 1));
  if (!domain_key) {
    return malformed("After the \"@\" give a domain name with at least one dot, as example.com.");
  }
  return EmailAddress(ToUtf8(*text), *local_key + "@" + *domain_key);
}

EmailAddress::EmailAddress(std::string display, std::string key)
    : display_(std::move(display)), key_(std::move(key)) {}

}  // namespace auth::account
