// The password policy, with and without an e-mail address: the input's first line is the address,
// the rest the password.

#include <optional>
#include <string>
#include <vector>

#include "server/account/password_policy.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {
namespace {

using account::EmailAddress;
using account::FieldViolation;
using account::PasswordPolicy;
using account::PasswordText;
using account::Violation;

bool Accepts(const PasswordText& password, const EmailAddress* email) {
  static const PasswordPolicy policy(PasswordPolicy::Options{});
  std::vector<FieldViolation> violations;
  const bool accepted = policy.Check(password, email, &violations);
  Expect(violations.size() == (accepted ? 0 : 1), "a refusal has one reason, and only a refusal");
  for (const FieldViolation& violation : violations) {
    const bool is_short = password.code_points() < PasswordPolicy::Options{}.min_length;
    Expect(violation.violation ==
               (is_short ? Violation::kPasswordTooShort : Violation::kPasswordTooCommon),
           "the reason is the right one");
  }
  return accepted;
}

}  // namespace

void FuzzOne(std::string_view input) {
  const size_t line_end = input.find('\n');
  const std::string_view address = input.substr(0, line_end);
  const std::string_view raw =
      line_end == std::string_view::npos ? address : input.substr(line_end + 1);

  std::vector<FieldViolation> violations;
  const std::optional<PasswordText> password = PasswordText::Parse(raw, &violations);
  if (!password) return;
  const bool accepted = Accepts(*password, nullptr);
  Expect(!accepted || password->code_points() >= PasswordPolicy::Options{}.min_length,
         "what is short is refused");
  const std::optional<EmailAddress> email = EmailAddress::Parse(address, &violations);
  if (email) Expect(accepted || !Accepts(*password, &*email), "no address makes a password better");
}

}  // namespace auth::testing
