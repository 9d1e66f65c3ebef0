#pragma once

#include <chrono>

#include "pool/clock.h"
#include "server/account/attempt_limiter.h"
#include "server/account/password_hasher.h"
#include "server/account/password_policy.h"
#include "server/account/user_store.h"

namespace auth::account {

// What the use cases work with. Owns nothing; all parts are thread-safe and outlive every
// operation.
struct AccountServices {
  UserStore* store = nullptr;
  PasswordHasher* hasher = nullptr;
  const PasswordPolicy* policy = nullptr;
  AttemptLimiter* limiter = nullptr;
  const Clock* clock = nullptr;
  // The life of a session, from its making.
  Duration session_ttl = std::chrono::hours(24);
};

}  // namespace auth::account
