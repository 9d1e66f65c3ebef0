#include "server/account/register_user.h"

#include <utility>

namespace auth::account {

RegisterUser::RegisterUser(const AccountServices* services, Request request)
    : services_(services),
      raw_email_(std::move(request.email)),
      raw_request_id_(std::move(request.request_id)),
      raw_password_(std::move(request.password)) {}

Stage RegisterUser::Begin() {
  email_is_sound_ = EmailAddress::CheckStructure(raw_email_, &violations_);
  password_is_sound_ = PasswordText::CheckStructure(raw_password_.view(), &violations_);
  if (!raw_request_id_.empty()) {
    request_id_ = Uuid::Parse(raw_request_id_);
    if (!request_id_) {
      violations_.push_back({"request_id", Violation::kRequestIdMalformed,
                             "Send a UUID in its 36-character form, or none."});
    }
  }
  return Next(Step::kHash);
}

Stage RegisterUser::Run(const CallContext& context) {
  switch (step_) {
    case Step::kHash:
      return Hash(context);
    case Step::kRegister:
      return Register(context);
    case Step::kVerify:
      return Verify(context);
    case Step::kAddSession:
      return AddSession(context);
  }
  return Finish(InternalBecause("no such step"));
}

bool RegisterUser::Validate() {
  if (email_is_sound_) email_ = EmailAddress::Parse(raw_email_, &violations_);
  if (password_is_sound_) password_ = PasswordText::Parse(raw_password_.view(), &violations_);
  if (password_) services_->policy->Check(*password_, email_ ? &*email_ : nullptr, &violations_);
  return violations_.empty();
}

Stage RegisterUser::Hash(const CallContext& context) {
  if (!Validate()) return Finish(InvalidFields(std::move(violations_)));
  if (absl::Status status = CheckStillWanted(context, *services_->clock); !status.ok()) {
    return Finish(std::move(status));
  }
  absl::StatusOr<std::string> hash = services_->hasher->Hash(password_->view());
  if (!hash.ok()) return Finish(InternalBecause(hash.status().message()));

  user_.created_at = StorableNow(*services_->clock);
  user_.id = Uuid::NewV7(user_.created_at);
  user_.event_id = Uuid::NewV7(user_.created_at);
  user_.email = email_->display();
  user_.email_key = email_->key();
  user_.password_hash = *std::move(hash);
  user_.request_id = request_id_;
  issued_ = IssuedSession::For(user_.id, user_.created_at, services_->session_ttl);
  user_.session = issued_.session;
  return Next(Step::kRegister);
}

Stage RegisterUser::Register(const CallContext& context) {
  absl::StatusOr<RegisterResult> stored = services_->store->Register(context, user_);
  if (!stored.ok()) return Finish(stored.status());
  switch (stored->kind) {
    case RegisterResult::Kind::kCreated:
      return Finish(issued_.AnswerTo(
          {user_.id, user_.email, std::nullopt, user_.created_at, user_.created_at}));
    case RegisterResult::Kind::kEmailTaken:
      return Finish(MakeError(Reason::kEmailAlreadyRegistered));
    case RegisterResult::Kind::kRequestIdSeen:
      if (!stored->existing)
        return Finish(InternalBecause("a request_id seen, but not whose it is"));
      return ConsiderReplay(*std::move(stored->existing));
  }
  return Finish(InternalBecause("the store gave no such result"));
}

Stage RegisterUser::ConsiderReplay(StoredUser existing) {
  existing_ = std::move(existing);
  if (existing_.email_key != user_.email_key || !existing_.active) {
    return Finish(MakeError(Reason::kRequestIdConflict));
  }
  // Without the limiter a known request_id would be a way to guess passwords.
  if (const auto wait = services_->limiter->Attempt(existing_.email_key)) {
    return Finish(MakeError(Reason::kRateLimited, *wait));
  }
  return Next(Step::kVerify);
}

Stage RegisterUser::Verify(const CallContext& context) {
  if (absl::Status status = CheckStillWanted(context, *services_->clock); !status.ok()) {
    return Finish(std::move(status));
  }
  const absl::StatusOr<bool> right =
      services_->hasher->Verify(password_->view(), existing_.password_hash);
  if (!right.ok()) return Finish(InternalBecause(right.status().message()));
  if (!*right) return Finish(MakeError(Reason::kRequestIdConflict));
  // The session that was to be born with the user was not stored; it serves the one who is there.
  issued_.session.user_id = existing_.user.id;
  return Next(Step::kAddSession);
}

Stage RegisterUser::AddSession(const CallContext& context) {
  const absl::StatusOr<bool> added =
      services_->store->AddSession(context, issued_.session, existing_.password_hash);
  if (!added.ok()) return Finish(added.status());
  if (!*added) return Finish(MakeError(Reason::kRequestIdConflict));
  return Finish(issued_.AnswerTo(existing_.user));
}

Stage RegisterUser::Next(Step step) {
  step_ = step;
  return step == Step::kHash || step == Step::kVerify ? Stage::kHash : Stage::kStore;
}

Stage RegisterUser::Finish(absl::StatusOr<SignedIn> result) {
  const bool is_repeatable = request_id_.has_value();
  if (!result.ok() && is_repeatable) {
    result_ = AsSafeToRepeat(result.status());
  } else {
    result_ = std::move(result);
  }
  return Stage::kDone;
}

}  // namespace auth::account
