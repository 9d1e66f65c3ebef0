#pragma once

#include <optional>
#include <string>

#include "pool/clock.h"
#include "server/account/uuid.h"

namespace auth::account {

struct User {
  Uuid id;
  // As typed, in normalisation form C: what mail is sent to and what answers show.
  std::string email;
  std::optional<WallTime> email_verified;
  WallTime created_at;
  WallTime updated_at;
};

struct Session {
  Uuid id;
  Uuid user_id;
  WallTime expires;
};

// The answer to Register and SignIn: the only place where a token leaves the service.
struct SignedIn {
  User user;
  Session session;
  std::string session_token;
};

// The answer to ValidateSession.
struct ActiveSession {
  User user;
  Session session;
};

}  // namespace auth::account
