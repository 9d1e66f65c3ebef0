#pragma once

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/account/account_services.h"
#include "server/account/operation.h"
#include "server/account/token.h"
#include "server/account/user.h"

namespace auth::account {

// Tells whose session a token is, in one call to the store. SESSION_INVALID for a token that is
// missing, malformed, unknown, expired or revoked.
class ValidateSession final : public Operation {
 public:
  ValidateSession(const AccountServices* services, std::string_view session_token);

  Stage Begin() override;
  Stage Run(const CallContext& context) override;
  const absl::StatusOr<ActiveSession>& result() const { return result_; }

 private:
  const AccountServices* const services_;
  const std::optional<Token> token_;
  absl::StatusOr<ActiveSession> result_;
};

// Reads the user of a session; otherwise as ValidateSession.
class GetUser final : public Operation {
 public:
  GetUser(const AccountServices* services, std::string_view session_token);

  Stage Begin() override;
  Stage Run(const CallContext& context) override;
  const absl::StatusOr<User>& result() const { return result_; }

 private:
  ValidateSession session_;
  absl::StatusOr<User> result_;
};

// Ends the session of a token, in one call to the store. OK too if there is none. OUTCOME_UNKNOWN
// is UNAVAILABLE: a repeat does no harm.
class SignOut final : public Operation {
 public:
  SignOut(const AccountServices* services, std::string_view session_token);

  Stage Begin() override;
  Stage Run(const CallContext& context) override;
  const absl::Status& result() const { return result_; }

 private:
  const AccountServices* const services_;
  const std::optional<Token> token_;
  absl::Status result_;
};

}  // namespace auth::account
