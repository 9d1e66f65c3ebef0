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
#include "server/account/uuid.h"

namespace auth::account {

// Registers a user and signs him in; with a request_id, as often as it is repeated.
//
//   kHash   every field checked, all findings answered at once; the password hashed
//   kStore  user, session and event stored
//   kHash   only if the request_id was seen before: the password verified against the stored hash
//   kStore  a fresh session for the user who is there already
//
// Ids, times and the token are chosen once, before the first write. INVALID_FIELDS,
// EMAIL_ALREADY_REGISTERED, REQUEST_ID_CONFLICT, RATE_LIMITED (of repeats), and the store's errors;
// OUTCOME_UNKNOWN is UNAVAILABLE if a request_id makes the call safe to repeat.
class RegisterUser final : public Operation {
 public:
  struct Request {
    std::string email;
    Secret password;
    std::string request_id;  // empty: none
  };

  RegisterUser(const AccountServices* services, Request request);

  Stage Begin() override;
  Stage Run(const CallContext& context) override;
  const absl::StatusOr<SignedIn>& result() const { return result_; }

 private:
  enum class Step { kHash, kRegister, kVerify, kAddSession };

  Stage Hash(const CallContext& context);
  Stage Register(const CallContext& context);
  Stage Verify(const CallContext& context);
  Stage AddSession(const CallContext& context);

  // All fields in full; false after adding to `violations_`.
  bool Validate();
  // The request_id belongs to a user who may be the caller's own.
  Stage ConsiderReplay(StoredUser existing);

  Stage Next(Step step);
  Stage Finish(absl::StatusOr<SignedIn> result);

  const AccountServices* const services_;
  const std::string raw_email_;
  const std::string raw_request_id_;
  const Secret raw_password_;

  std::vector<FieldViolation> violations_;
  bool email_is_sound_ = false;
  bool password_is_sound_ = false;

  std::optional<Uuid> request_id_;
  std::optional<EmailAddress> email_;
  std::optional<PasswordText> password_;
  IssuedSession issued_;
  NewUser user_;
  StoredUser existing_;

  Step step_ = Step::kHash;
  absl::StatusOr<SignedIn> result_;
};

}  // namespace auth::account
