// E-mail addresses: whatever is typed has one identity, or none.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "server/account/email_address.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {
namespace {

using account::EmailAddress;
using account::FieldViolation;
using account::Violation;

std::optional<EmailAddress> Parse(std::string_view raw) {
  std::vector<FieldViolation> violations;
  std::optional<EmailAddress> email = EmailAddress::Parse(raw, &violations);
  Expect(email.has_value() == violations.empty(), "a refusal has a reason, and only a refusal");
  for (const FieldViolation& violation : violations) {
    Expect(violation.field == "email", "the reason names the field");
    Expect(!violation.description.empty(), "the reason says what to do");
  }
  std::vector<FieldViolation> structural;
  if (!EmailAddress::CheckStructure(raw, &structural)) {
    Expect(violations.size() == 1 && violations[0].violation == structural[0].violation,
           "what the structural check refuses is refused for the same reason");
  }
  return email;
}

// Normalised text may be longer than what was typed, and only then is it no address itself.
bool IsTooLong(const std::string& address) {
  return address.size() > EmailAddress::kMaxBytes ||
         address.find('@') > EmailAddress::kMaxLocalBytes;
}

void ExpectSameIdentity(const std::string& other, const std::string& key, const char* property) {
  const std::optional<EmailAddress> email = Parse(other);
  Expect(email ? email->key() == key : IsTooLong(other), property);
}

}  // namespace

void FuzzOne(std::string_view input) {
  const std::optional<EmailAddress> email = Parse(input);
  if (!email) return;
  const std::string& key = email->key();

  Expect(std::count(key.begin(), key.end(), '@') == 1, "a key has one @");
  const std::string domain = key.substr(key.find('@') + 1);
  Expect(domain.size() <= 253 && domain.find('.') != std::string::npos, "a domain is a host name");
  Expect(std::all_of(domain.begin(), domain.end(),
                     [](unsigned char c) {
                       return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' ||
                              c == '.';
                     }),
         "a domain is ASCII in lower case");
  Expect(std::none_of(key.begin(), key.end(),
                      [](unsigned char c) { return absl::ascii_iscntrl(c) || c == ' '; }),
         "a key has no spaces and no controls");

  ExpectSameIdentity(key, key, "a key is the key of itself");
  ExpectSameIdentity(email->display(), key, "what is shown has the same key");
  std::string upper(input);
  absl::AsciiStrToUpper(&upper);
  ExpectSameIdentity(upper, key, "case makes no other identity");
}

}  // namespace auth::testing
