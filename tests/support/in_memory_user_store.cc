#include "tests/support/in_memory_user_store.h"

#include <utility>

namespace auth::testing {

using account::ActiveSession;
using account::CallContext;
using account::NewSession;
using account::NewUser;
using account::RegisterResult;
using account::StoredUser;
using account::TokenHash;
using account::User;
using account::Uuid;

absl::StatusOr<RegisterResult> InMemoryUserStore::Register(const CallContext& call,
                                                           const NewUser& user) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  // A repetition with the same ids finds its own rows.
  if (FindById(user.id) != nullptr) {
    return RegisterResult{RegisterResult::Kind::kCreated, std::nullopt};
  }
  if (user.request_id) {
    if (const auto seen = request_ids_.find(*user.request_id); seen != request_ids_.end()) {
      return RegisterResult{RegisterResult::Kind::kRequestIdSeen, users_.at(seen->second)};
    }
  }
  const User stored{user.id, user.email, std::nullopt, user.created_at, user.created_at};
  const bool inserted =
      users_
          .try_emplace(user.email_key, StoredUser{stored, user.email_key, user.password_hash, true})
          .second;
  if (!inserted) return RegisterResult{RegisterResult::Kind::kEmailTaken, std::nullopt};
  if (user.request_id) request_ids_.emplace(*user.request_id, user.email_key);
  sessions_.emplace(user.session.token_hash, user.session);
  return RegisterResult{RegisterResult::Kind::kCreated, std::nullopt};
}

absl::StatusOr<bool> InMemoryUserStore::AddSession(const CallContext& call,
                                                   const NewSession& session,
                                                   const std::string& password_hash) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  const StoredUser* const user = FindById(session.user_id);
  if (user == nullptr || !user->active || user->password_hash != password_hash) return false;
  sessions_.emplace(session.token_hash, session);
  return true;
}

absl::StatusOr<std::optional<StoredUser>> InMemoryUserStore::FindUserByEmailKey(
    const CallContext& call, const std::string& email_key) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  const auto found = users_.find(email_key);
  if (found == users_.end()) return std::optional<StoredUser>();
  return std::optional<StoredUser>(found->second);
}

absl::StatusOr<std::optional<ActiveSession>> InMemoryUserStore::FindSession(
    const CallContext& call, const TokenHash& token_hash, WallTime now) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  const auto found = sessions_.find(token_hash);
  if (found == sessions_.end() || found->second.expires_at <= now) {
    return std::optional<ActiveSession>();
  }
  const NewSession& session = found->second;
  const StoredUser* const user = FindById(session.user_id);
  if (user == nullptr || !user->active) return std::optional<ActiveSession>();
  return std::optional<ActiveSession>(
      ActiveSession{user->user, {session.id, session.user_id, session.expires_at}});
}

absl::Status InMemoryUserStore::DeleteSession(const CallContext& call,
                                              const TokenHash& token_hash) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  sessions_.erase(token_hash);
  return absl::OkStatus();
}

absl::StatusOr<bool> InMemoryUserStore::ReplacePasswordHash(const CallContext& call,
                                                            const Uuid& user_id,
                                                            const std::string& old_hash,
                                                            const std::string& new_hash) {
  MutexLock lock(&mutex_);
  if (absl::Status status = BeginCall(call); !status.ok()) return status;
  StoredUser* const user = FindById(user_id);
  if (user == nullptr) return false;
  if (user->password_hash != old_hash && user->password_hash != new_hash) return false;
  user->password_hash = new_hash;
  return true;
}

void InMemoryUserStore::FailNextCall(absl::Status status) {
  MutexLock lock(&mutex_);
  next_failure_ = std::move(status);
}

void InMemoryUserStore::SetActive(const std::string& email_key, bool active) {
  MutexLock lock(&mutex_);
  users_.at(email_key).active = active;
}

void InMemoryUserStore::SetPasswordHash(const std::string& email_key, std::string password_hash) {
  MutexLock lock(&mutex_);
  users_.at(email_key).password_hash = std::move(password_hash);
}

std::optional<StoredUser> InMemoryUserStore::Find(const std::string& email_key) const {
  MutexLock lock(&mutex_);
  const auto found = users_.find(email_key);
  return found == users_.end() ? std::nullopt : std::make_optional(found->second);
}

size_t InMemoryUserStore::users() const {
  MutexLock lock(&mutex_);
  return users_.size();
}

size_t InMemoryUserStore::sessions() const {
  MutexLock lock(&mutex_);
  return sessions_.size();
}

int InMemoryUserStore::calls() const {
  MutexLock lock(&mutex_);
  return calls_;
}

absl::Status InMemoryUserStore::BeginCall(const CallContext& call) {
  if (call.db_attempts != nullptr) ++*call.db_attempts;
  ++calls_;
  return std::exchange(next_failure_, absl::OkStatus());
}

StoredUser* InMemoryUserStore::FindById(const Uuid& id) {
  for (auto& [email_key, user] : users_) {
    if (user.user.id == id) return &user;
  }
  return nullptr;
}

}  // namespace auth::testing
