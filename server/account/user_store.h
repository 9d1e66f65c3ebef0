#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/account/call_context.h"
#include "server/account/token.h"
#include "server/account/user.h"
#include "server/account/uuid.h"

namespace auth::account {

// A session to be stored. All ids and times are chosen before the first attempt, so that a replay
// of the write finds its own rows.
struct NewSession {
  Uuid id;
  Uuid user_id;
  TokenHash token_hash;
  WallTime created_at;
  WallTime expires_at;
};

// A user to be stored, with the session that signs him in and the event that tells of him.
struct NewUser {
  Uuid id;
  std::string email;
  std::string email_key;      // the identity: see EmailAddress
  std::string password_hash;  // a PHC string
  std::optional<Uuid> request_id;
  WallTime created_at;
  NewSession session;
  Uuid event_id;
};

// A user as stored, with what must not leave the service.
struct StoredUser {
  User user;
  std::string email_key;
  std::string password_hash;
  bool active = false;
};

// What became of a registration.
struct RegisterResult {
  enum class Kind {
    kCreated,        // user, session and event are durable
    kEmailTaken,     // another registration of this e-mail key is durable
    kRequestIdSeen,  // a registration with this request_id is durable: `existing`
  };
  Kind kind = Kind::kCreated;
  std::optional<StoredUser> existing;
};

// Where users and sessions live. The store knows nothing of rules; it keeps what it is given, once.
//
// Thread-safe. Every call may block until the call's deadline, and counts its attempts. Failures
// are Statuses of account/errors.h: DATABASE_UNAVAILABLE, OUTCOME_UNKNOWN (writes only),
// DEADLINE_EXCEEDED, OVERLOADED, SHUTTING_DOWN, INTERNAL. After any other answer of a write it is
// durable.
class UserStore {
 public:
  virtual ~UserStore() = default;

  // Stores user, session and event together or not at all, and not after the deadline.
  virtual absl::StatusOr<RegisterResult> Register(const CallContext& call, const NewUser& user) = 0;

  // Adds a session if the user is active and his stored hash still is `password_hash`; false if
  // not.
  virtual absl::StatusOr<bool> AddSession(const CallContext& call, const NewSession& session,
                                          const std::string& password_hash) = 0;

  virtual absl::StatusOr<std::optional<StoredUser>> FindUserByEmailKey(
      const CallContext& call, const std::string& email_key) = 0;

  // The session with this token, if it expires after `now` and its user is active.
  virtual absl::StatusOr<std::optional<ActiveSession>> FindSession(const CallContext& call,
                                                                   const TokenHash& token_hash,
                                                                   WallTime now) = 0;

  // OK too if there is no such session.
  virtual absl::Status DeleteSession(const CallContext& call, const TokenHash& token_hash) = 0;

  // Replaces the hash if it still is `old_hash`; false if somebody was faster.
  virtual absl::StatusOr<bool> ReplacePasswordHash(const CallContext& call, const Uuid& user_id,
                                                   const std::string& old_hash,
                                                   const std::string& new_hash) = 0;
};

}  // namespace auth::account
