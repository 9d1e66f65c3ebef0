#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/account/account_services.h"
#include "server/account/email_address.h"
#include "server/account/errors.h"
#include "server/account/issued_session.h"
#include "server/account/operation.h"
#include "server/account/password_text.h"
#include "server/account/secret.h"
#include "server/account/user.h"
#include "server/account/user_store.h"

namespace auth::account {

// Signs a user in with a new session.
//
//   kStore  refused if the account has no attempts left, else the user is looked up
//   kHash   the attempt is counted and the password verified; if it is right and was hashed with
//           lower parameters than today's, it is hashed again
//   kStore  the session is stored, then the better hash if there is one
//
// An unknown address, a wrong password and a disabled user get the same answer after the same work:
// exactly one Argon2 with today's parameters. The exception is a user whose hash is of other
// parameters: his verification takes their time until his next sign-in has upgraded them. Nothing
// that becomes of the upgrade fails the sign-in, and a password that changes meanwhile wins.
//
// INVALID_FIELDS (missing, too long or malformed; a minimum length does not apply),
// INVALID_CREDENTIALS, RATE_LIMITED, and the store's errors. OUTCOME_UNKNOWN is UNAVAILABLE: the
// worst that a repeat does is a second session.
class SignIn final : public Operation {
 public:
  struct Request {
    std::string email;
    Secret password;
  };

  SignIn(const AccountServices* services, Request request);

  Stage Begin() override;
  bool HashesLater() const override { return true; }
  Stage Run(const CallContext& context) override;
  const absl::StatusOr<SignedIn>& result() const { return result_; }

 private:
  enum class Step { kFindUser, kVerify, kAddSession };

  Stage FindUser(const CallContext& context);
  Stage Verify(const CallContext& context);
  Stage AddSession(const CallContext& context);

  // Whether the password is right, at the cost of one Argon2 for every user and for none.
  absl::StatusOr<bool> VerifyPassword();

  Stage Next(Step step);
  Stage Finish(absl::StatusOr<SignedIn> result);

  const AccountServices* const services_;
  const std::string raw_email_;
  const Secret raw_password_;

  std::vector<FieldViolation> violations_;
  bool email_is_sound_ = false;
  bool password_is_sound_ = false;

  std::string email_key_;
  std::optional<PasswordText> password_;
  std::optional<StoredUser> user_;
  std::optional<std::string> better_hash_;

  Step step_ = Step::kFindUser;
  absl::StatusOr<SignedIn> result_;
};

}  // namespace auth::account
