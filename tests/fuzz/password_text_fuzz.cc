// Passwords: what is hashed is what would be hashed if it were typed again.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "server/account/password_text.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {
namespace {

using account::FieldViolation;
using account::PasswordText;

std::optional<PasswordText> Parse(std::string_view raw) {
  std::vector<FieldViolation> violations;
  std::optional<PasswordText> password = PasswordText::Parse(raw, &violations);
  Expect(violations.size() == (password ? 0 : 1), "a refusal has one reason, and only a refusal");
  for (const FieldViolation& violation : violations) {
    Expect(violation.field == "password", "the reason names the field");
    Expect(raw.size() < 8 || violation.description.find(raw) == std::string::npos,
           "the reason does not repeat the password");
  }
  return password;
}

}  // namespace

void FuzzOne(std::string_view input) {
  const std::optional<PasswordText> password = Parse(input);
  if (!password) return;
  const std::string_view text = password->view();

  Expect(!text.empty() && text.size() <= 3 * PasswordText::kMaxBytes, "normalisation is bounded");
  const auto characters = std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; });
  Expect(static_cast<size_t>(characters) == password->code_points(), "code points are counted");
  Expect(std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return absl::ascii_iscntrl(c); }),
         "no controls, no NUL");
  const bool ascii = std::all_of(input.begin(), input.end(),
                                 [](unsigned char c) { return absl::ascii_isascii(c); });
  Expect(!ascii || text == input, "ASCII stays as it is: nothing trimmed, no case changed");

  const std::optional<PasswordText> again = Parse(text);
  const bool has_grown = text.size() > PasswordText::kMaxBytes ||
                         password->code_points() > PasswordText::kMaxCodePoints;
  Expect(again ? again->view() == text : has_grown, "prepared text is prepared already");
}

}  // namespace auth::testing
