#include "server/account/password_text.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace auth::account {
namespace {

constexpr size_t kMaxUnits = 2 * PasswordText::kMaxCodePoints;  // of UTF-16
// NFC makes text at most three times as long, in UTF-16 and in UTF-8 alike (UAX #15, table 2).
constexpr size_t kMaxGrowth = 3;

// Room on the stack that is wiped when it goes out of scope.
template <typename T, size_t kSize>
class WipedArray {
 public:
  ~WipedArray() { WipeMemory(data_.data(), sizeof(data_)); }
  T* data() { return data_.data(); }
  static constexpr int32_t capacity() { return static_cast<int32_t>(kSize); }

 private:
  std::array<T, kSize> data_;
};

void Refuse(Violation violation, std::vector<FieldViolation>* violations) {
  std::string what_to_do;
  if (violation == Violation::kRequired) {
    what_to_do = "Give a password.";
  } else if (violation == Violation::kPasswordTooLong) {
    what_to_do = "Use at most 256 characters and 1,024 bytes.";
  } else {
    what_to_do = "Send valid UTF-8 without control characters and unassigned code points.";
  }
  violations->push_back({"password", violation, std::move(what_to_do)});
}

// Controls and line separators cannot be typed on purpose; what a code point without a character
// normalises to may change with the next Unicode.
constexpr uint32_t kRefused =
    U_GC_CC_MASK | U_GC_CN_MASK | U_GC_CS_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;

bool IsRefused(UChar32 c) { return (U_GET_GC_MASK(c) & kRefused) != 0; }

// Why a text is no password, if it is none.
using Finding = std::optional<Violation>;

// Counts the code points and writes every space as U+0020.
Finding CheckAndMapSpaces(UChar* units, int32_t length) {
  size_t code_points = 0;
  for (int32_t i = 0; i < length;) {
    if (++code_points > PasswordText::kMaxCodePoints) return Violation::kPasswordTooLong;
    const int32_t start = i;
    UChar32 c = 0;
    U16_NEXT(units, i, length, c);
    if (IsRefused(c)) return Violation::kPasswordMalformed;
    if (u_charType(c) == U_SPACE_SEPARATOR) units[start] = u' ';  // all are single units
  }
  return std::nullopt;
}

}  // namespace

bool PasswordText::CheckStructure(std::string_view raw, std::vector<FieldViolation>* violations) {
  if (raw.empty()) {
    Refuse(Violation::kRequired, violations);
    return false;
  }
  if (raw.size() > kMaxBytes) {
    Refuse(Violation::kPasswordTooLong, violations);
    return false;
  }
  return true;
}

std::optional<PasswordText> PasswordText::Parse(std::string_view raw,
                                                std::vector<FieldViolation>* violations) {
  if (!CheckStructure(raw, violations)) return std::nullopt;
  WipedArray<UChar, kMaxBytes> typed;
  int32_t typed_length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(typed.data(), typed.capacity(), &typed_length, raw.data(),
                static_cast<int32_t>(raw.size()), &error);
  const Finding finding = U_SUCCESS(error) ? CheckAndMapSpaces(typed.data(), typed_length)
                                           : Violation::kPasswordMalformed;
  if (finding) {
    Refuse(*finding, violations);
    return std::nullopt;
  }

  WipedArray<UChar, kMaxGrowth * kMaxUnits> normal;
  WipedArray<char, kMaxGrowth * kMaxBytes> utf8;
  int32_t utf8_length = 0;
  const UNormalizer2* nfc = unorm2_getNFCInstance(&error);
  const int32_t normal_length =
      unorm2_normalize(nfc, typed.data(), typed_length, normal.data(), normal.capacity(), &error);
  u_strToUTF8(utf8.data(), utf8.capacity(), &utf8_length, normal.data(), normal_length, &error);
  if (U_FAILURE(error)) {
    Refuse(Violation::kPasswordMalformed, violations);
    return std::nullopt;
  }
  return PasswordText(Secret::CopyOf({utf8.data(), static_cast<size_t>(utf8_length)}),
                      static_cast<size_t>(u_countChar32(normal.data(), normal_length)));
}

PasswordText::PasswordText(Secret text, size_t code_points)
    : text_(std::move(text)), code_points_(code_points) {}

}  // namespace auth::account
