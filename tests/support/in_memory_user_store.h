#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "pool/mutex.h"
#include "server/account/user_store.h"

namespace auth::testing {

// A UserStore that keeps everything in maps, for tests of use cases. Thread-safe, never blocks. The
// real one is held to the same rules by tests/store_conformance.
class InMemoryUserStore : public account::UserStore {
 public:
  absl::StatusOr<account::RegisterResult> Register(const account::CallContext& call,
                                                   const account::NewUser& user) override;
  absl::StatusOr<bool> AddSession(const account::CallContext& call,
                                  const account::NewSession& session,
                                  const std::string& password_hash) override;
  absl::StatusOr<std::optional<account::StoredUser>> FindUserByEmailKey(
      const account::CallContext& call, const std::string& email_key) override;
  absl::StatusOr<std::optional<account::ActiveSession>> FindSession(
      const account::CallContext& call, const account::TokenHash& token_hash,
      WallTime now) override;
  absl::Status DeleteSession(const account::CallContext& call,
                             const account::TokenHash& token_hash) override;
  absl::StatusOr<bool> ReplacePasswordHash(const account::CallContext& call,
                                           const account::Uuid& user_id,
                                           const std::string& old_hash,
                                           const std::string& new_hash) override;

  // The next call answers `status` and does nothing else.
  void FailNextCall(absl::Status status);

  // What another call of the service would change meanwhile. The user must exist.
  void SetActive(const std::string& email_key, bool active);
  void SetPasswordHash(const std::string& email_key, std::string password_hash);

  // What is stored.
  std::optional<account::StoredUser> Find(const std::string& email_key) const;
  size_t users() const;
  size_t sessions() const;
  // Calls so far, the failed ones included.
  int calls() const;

 private:
  // Counts a call; not OK if it is the one that fails.
  absl::Status BeginCall(const account::CallContext& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // nullptr if there is none.
  account::StoredUser* FindById(const account::Uuid& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, account::StoredUser> users_ ABSL_GUARDED_BY(mutex_);  // by e-mail key
  std::map<account::Uuid, std::string> request_ids_ ABSL_GUARDED_BY(mutex_);  // to e-mail key
  std::map<account::TokenHash, account::NewSession> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::Status next_failure_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace auth::testing
