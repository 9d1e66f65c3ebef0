#include "server/account/sign_in.h"

#include <utility>

namespace auth::account {

SignIn::SignIn(const AccountServices* services, Request request)
    : services_(services),
      raw_email_(std::move(request.email)),
      raw_password_(std::move(request.password)) {}

Stage SignIn::Begin() {
  email_is_sound_ = EmailAddress::CheckStructure(raw_email_, &violations_);
  password_is_sound_ = PasswordText::CheckStructure(raw_password_.view(), &violations_);
  return Next(Step::kFindUser);
}

Stage SignIn::Run(const CallContext& context) {
  switch (step_) {
    case Step::kFindUser:
      return FindUser(context);
    case Step::kVerify:
      return Verify(context);
    case Step::kAddSession:
      return AddSession(context);
  }
  return Finish(InternalBecause("no such step"));
}

Stage SignIn::FindUser(const CallContext& context) {
  std::optional<EmailAddress> email;
  if (email_is_sound_) email = EmailAddress::Parse(raw_email_, &violations_);
  if (password_is_sound_) password_ = PasswordText::Parse(raw_password_.view(), &violations_);
  if (!violations_.empty()) return Finish(InvalidFields(std::move(violations_)));

  // Counted in Verify: what ends before costs no attempt, or an outage would use them up.
  if (const auto wait = services_->limiter->Wait(email->key())) {
    return Finish(MakeError(Reason::kRateLimited, *wait));
  }
  absl::StatusOr<std::optional<StoredUser>> found =
      services_->store->FindUserByEmailKey(context, email->key());
  if (!found.ok()) return Finish(found.status());
  email_key_ = email->key();
  user_ = *std::move(found);
  return Next(Step::kVerify);
}

Stage SignIn::Verify(const CallContext& context) {
  if (absl::Status status = CheckStillWanted(context, *services_->clock); !status.ok()) {
    return Finish(std::move(status));
  }
  if (const auto wait = services_->limiter->Attempt(email_key_)) {
    return Finish(MakeError(Reason::kRateLimited, *wait));
  }
  const absl::StatusOr<bool> right = VerifyPassword();
  if (!right.ok()) return Finish(InternalBecause(right.status().message()));
  if (!*right) return Finish(MakeError(Reason::kInvalidCredentials));

  // Here, and not in a step of its own after AddSession: once the session is stored, the answer is
  // not to wait in a queue again.
  if (services_->hasher->NeedsRehash(user_->password_hash) &&
      CheckStillWanted(context, *services_->clock).ok()) {
    absl::StatusOr<std::string> hash = services_->hasher->Hash(password_->view());
    if (hash.ok()) better_hash_ = *std::move(hash);
  }
  return Next(Step::kAddSession);
}

absl::StatusOr<bool> SignIn::VerifyPassword() {
  if (!user_) {
    // Nobody is there to be verified; a hash that nobody reads takes as long.
    const absl::StatusOr<std::string> decoy = services_->hasher->Hash(password_->view());
    if (!decoy.ok()) return decoy.status();
    return false;
  }
  const absl::StatusOr<bool> right =
      services_->hasher->Verify(password_->view(), user_->password_hash);
  if (!right.ok()) return right.status();
  return *right && user_->active;
}

Stage SignIn::AddSession(const CallContext& context) {
  const IssuedSession issued =
      IssuedSession::For(user_->user.id, StorableNow(*services_->clock), services_->session_ttl);
  const absl::StatusOr<bool> added =
      services_->store->AddSession(context, issued.session, user_->password_hash);
  if (!added.ok()) return Finish(AsSafeToRepeat(added.status()));
  if (!*added) return Finish(MakeError(Reason::kInvalidCredentials));
  if (better_hash_) {
    // After the session, which is guarded by the old hash. Left to the next sign-in if it fails.
    services_->store
        ->ReplacePasswordHash(context, user_->user.id, user_->password_hash, *better_hash_)
        .IgnoreError();
  }
  return Finish(issued.AnswerTo(user_->user));
}

Stage SignIn::Next(Step step) {
  step_ = step;
  return step == Step::kVerify ? Stage::kHash : Stage::kStore;
}

Stage SignIn::Finish(absl::StatusOr<SignedIn> result) {
  result_ = std::move(result);
  return Stage::kDone;
}

}  // namespace auth::account
