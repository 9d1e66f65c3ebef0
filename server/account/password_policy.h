#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/account/email_address.h"
#include "server/account/errors.h"
#include "server/account/password_text.h"
#include "server/account/romanizer.h"

namespace auth::account {

// Decides whether a new password is good enough: long enough, and hard to guess by zxcvbn's
// estimate. No composition rules: they make passwords worse. Not for passwords at sign-in.
//
// Thread-safe. A check takes a millisecond at worst, and up to 80 the first time that a script is
// met (see Romanizer).
class PasswordPolicy {
 public:
  struct Options {
    // Code points of the prepared text. NIST SP 800-63B-4 asks for 15 where the password is the
    // only factor.
    size_t min_length = 8;
    // Guesses needed by somebody who knows the common passwords and the e-mail address.
    double min_guesses = 1e5;

    // INVALID_ARGUMENT that says what to change.
    absl::Status Validate() const;
  };

  // `options` must be valid.
  explicit PasswordPolicy(const Options& options);

  // Adds what is wrong with `password` to `violations`; true if nothing is. Parts of `email` make
  // no password stronger; it is null if the address is not known.
  bool Check(const PasswordText& password, const EmailAddress* email,
             std::vector<FieldViolation>* violations) const;

 private:
  // The words of an address that its user's passwords must not rest on.
  std::vector<std::string> ContextWords(const EmailAddress& email) const;

  const Options options_;
  mutable Romanizer romanizer_;
};

}  // namespace auth::account
