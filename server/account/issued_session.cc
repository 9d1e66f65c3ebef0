#include "server/account/issued_session.h"

#include <chrono>

namespace auth::account {
namespace {

using std::chrono::microseconds;

}  // namespace

WallTime StorableNow(const Clock& clock) { return std::chrono::floor<microseconds>(clock.Now()); }

IssuedSession IssuedSession::For(const Uuid& user_id, WallTime now, Duration ttl) {
  IssuedSession issued{Token::New(), {}};
  issued.session.id = Uuid::NewV7(now);
  issued.session.user_id = user_id;
  issued.session.token_hash = issued.token.Hash();
  issued.session.created_at = now;
  issued.session.expires_at = now + std::chrono::floor<microseconds>(ttl);
  return issued;
}

SignedIn IssuedSession::AnswerTo(const User& user) const {
  return {user, {session.id, user.id, session.expires_at}, token.ToString()};
}

}  // namespace auth::account
