#include "server/account/sessions.h"

#include <utility>

#include "server/account/errors.h"

namespace auth::account {

ValidateSession::ValidateSession(const AccountServices* services, std::string_view session_token)
    : services_(services), token_(Token::Parse(session_token)) {}

Stage ValidateSession::Begin() {
  if (token_) return Stage::kStore;
  result_ = MakeError(Reason::kSessionInvalid);
  return Stage::kDone;
}

Stage ValidateSession::Run(const CallContext& context) {
  absl::StatusOr<std::optional<ActiveSession>> found =
      services_->store->FindSession(context, token_->Hash(), services_->clock->Now());
  if (!found.ok()) {
    result_ = found.status();
  } else if (!found->has_value()) {
    result_ = MakeError(Reason::kSessionInvalid);
  } else {
    result_ = **std::move(found);
  }
  return Stage::kDone;
}

GetUser::GetUser(const AccountServices* services, std::string_view session_token)
    : session_(services, session_token) {}

Stage GetUser::Begin() {
  const Stage stage = session_.Begin();
  if (stage == Stage::kDone) result_ = session_.result().status();
  return stage;
}

Stage GetUser::Run(const CallContext& context) {
  const Stage stage = session_.Run(context);
  if (session_.result().ok()) {
    result_ = session_.result()->user;
  } else {
    result_ = session_.result().status();
  }
  return stage;
}

SignOut::SignOut(const AccountServices* services, std::string_view session_token)
    : services_(services), token_(Token::Parse(session_token)) {}

Stage SignOut::Begin() { return token_ ? Stage::kStore : Stage::kDone; }

Stage SignOut::Run(const CallContext& context) {
  result_ = AsSafeToRepeat(services_->store->DeleteSession(context, token_->Hash()));
  return Stage::kDone;
}

}  // namespace auth::account
