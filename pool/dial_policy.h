#pragma once

#include "pool/clock.h"

namespace auth::pool {

// Decides when to dial: to find out, without a session, whether anybody listens where the database
// should be. An idle pool sends nothing, so that nothing tells it that its database has gone, but
// the end of its idle connections; and those end as well when a database restarts, or when it
// closes idle sessions.
//
// - An idle connection was closed by the server while somebody looks: dial at once, and for two
//   seconds more, since a server that stops may still listen for a moment.
// - The database does not answer, and somebody looks at the pool: dial, at most twice a second.
//
// Nobody looks: no dials. A database that is reached may stay asleep: a dial opens no session.
//
// Pure logic over the times it is given. Not thread-safe.
class DialPolicy {
 public:
  // The server closed an idle connection, and somebody looks.
  void OnIdleClosed(MonotonicTime now);
  // The database does not answer, and somebody wants to know.
  void OnLooked(MonotonicTime now);
  // The database answered: there is nothing to find out.
  void OnAnswer();

  // When to dial; kNever while one is under way.
  MonotonicTime due() const { return dialing_ ? kNever : due_; }
  void OnStarted(MonotonicTime now);
  enum class Answer {
    kAccepted,  // somebody listens
    kNobody,
    kNotAsked,  // the dial failed for reasons of our own
  };
  enum class Finding {
    kNothing,  // what was known before, or is known better by now
    kNobodyListens,
    // Somebody listens where nobody did. Otherwise that is no news: calls may fail all the same.
    kBack,
  };
  Finding OnDialed(Answer answer, MonotonicTime now);

 private:
  MonotonicTime due_ = kNever;
  MonotonicTime last_{};         // when the last dial began
  MonotonicTime doubt_until_{};  // dials are repeated
  bool nobody_listens_ = false;  // said the last dial
  bool dialing_ = false;
  bool outdated_ = false;  // the database has answered since the running dial began
};

}  // namespace auth::pool
