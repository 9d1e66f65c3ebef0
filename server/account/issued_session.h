#pragma once

#include "pool/clock.h"
#include "server/account/token.h"
#include "server/account/user.h"
#include "server/account/user_store.h"

namespace auth::account {

// The wall clock in whole microseconds, which is all that PostgreSQL stores: so that an answer
// shows the same time as a later look.
WallTime StorableNow(const Clock& clock);

// A session on its way to the store, together with its token, which does not go there. Chosen once
// for each call, so that a replayed write is the same write.
struct IssuedSession {
  Token token;
  NewSession session;

  // With a new id and token; lives from `now`, which is storable, for `ttl`.
  static IssuedSession For(const Uuid& user_id, WallTime now, Duration ttl);

  // The answer that hands the token to the user.
  SignedIn AnswerTo(const User& user) const;
};

}  // namespace auth::account
