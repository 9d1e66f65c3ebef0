#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "pool/transaction_runner.h"
#include "server/account/user_store.h"
#include "tests/support/sql_connection.h"

namespace auth::testing {

// What a store with a bug is made from: the sound store, and ways around it.
struct SoundParts {
  account::UserStore* store = nullptr;
  const pool::TransactionRunner* runner = nullptr;
  SqlConnection* database = nullptr;
};

// Passes every call on to the sound store. A bug overrides one of them.
class StoreDecorator : public account::UserStore {
 public:
  explicit StoreDecorator(const SoundParts& parts) : parts_(parts) {}

  absl::StatusOr<account::RegisterResult> Register(const account::CallContext& call,
                                                   const account::NewUser& user) override {
    return parts_.store->Register(call, user);
  }
  absl::StatusOr<bool> AddSession(const account::CallContext& call,
                                  const account::NewSession& session,
                                  const std::string& password_hash) override {
    return parts_.store->AddSession(call, session, password_hash);
  }
  absl::StatusOr<std::optional<account::StoredUser>> FindUserByEmailKey(
      const account::CallContext& call, const std::string& email_key) override {
    return parts_.store->FindUserByEmailKey(call, email_key);
  }
  absl::StatusOr<std::optional<account::ActiveSession>> FindSession(
      const account::CallContext& call, const account::TokenHash& token_hash,
      WallTime now) override {
    return parts_.store->FindSession(call, token_hash, now);
  }
  absl::Status DeleteSession(const account::CallContext& call,
                             const account::TokenHash& token_hash) override {
    return parts_.store->DeleteSession(call, token_hash);
  }
  absl::StatusOr<bool> ReplacePasswordHash(const account::CallContext& call,
                                           const account::Uuid& user_id,
                                           const std::string& old_hash,
                                           const std::string& new_hash) override {
    return parts_.store->ReplacePasswordHash(call, user_id, old_hash, new_hash);
  }

 protected:
  const SoundParts parts_;
};

// The name under which a bug sends its own version of the statement register_user.
inline constexpr char kAlteredRegister[] = "register_user_altered";

// A mistake that somebody could make in the store.
struct SeededBug {
  const char* name;
  // How the checker's finding begins in the scenario of seeded_bugs_test.cc.
  const char* finding;
  std::function<std::unique_ptr<account::UserStore>(const SoundParts& parts)> make;
};

const std::vector<SeededBug>& SeededBugs();

}  // namespace auth::testing
