#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"
#include "tests/support/sql_connection.h"

namespace auth::testing {

// How a Register call ended, as its caller saw it.
enum class RegisterOutcome {
  kOk,
  kAlreadyExists,
  kRequestIdConflict,
  // UNAVAILABLE, DEADLINE_EXCEEDED, UNKNOWN, or no answer at all: may be durable or not.
  kUnknown,
  // Must have left nothing: INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED.
  kNoTrace,
};

// One Register call. What one person wants once is one operation: a repetition with the same
// request_id belongs to it, the same e-mail typed by somebody else does not.
struct RegisterCall {
  int64_t operation = 0;
  std::string email_key;
  std::string request_id;  // empty if it had none
  RegisterOutcome outcome = RegisterOutcome::kUnknown;
  std::string user_id;     // of an OK answer
  std::string session_id;  // of an OK answer
};

// Proves that nothing was lost, and nothing made up: compares what clients were told with what a
// database holds. The invariants are
//
//   I1  each OK has exactly one user, with the id and e-mail key that were answered, a credential,
//       its session and one event; no session that nobody was given
//   I2  no user whom nobody tried to register; one per e-mail key at most
//   I3  ALREADY_EXISTS only if a different operation on that e-mail is durable
//   I4  no session or event without its user, no user without credential, session and event
//   I5  operations with one request_id and e-mail converge to one user
//   I6  calls that must leave no trace leave none
//   I7  a session whose end was acknowledged is gone
//
// Record is thread-safe. Check when no call is running any more.
//
//   HistoryChecker history;
//   history.Record({.operation = 1, .email_key = "ann@example.com", …});
//   EXPECT_THAT(history.Check(database), IsEmpty());
class HistoryChecker {
 public:
  void Record(const RegisterCall& call);
  // A session that was given to somebody who signed in.
  void RecordSignIn(const std::string& session_id);
  // A sign-out or revocation that was acknowledged.
  void RecordSignOut(const std::string& session_id);
  // One that was sent, and whose outcome nobody knows: the session may be there or not.
  void RecordSignOutInDoubt(const std::string& session_id);

  // Users that are there already are none of this history's business.
  void IgnoreExisting(SqlConnection& database);

  // Every violation in words, e.g. "I1: operation 7 was told OK, but user … does not exist".
  std::vector<std::string> Check(SqlConnection& database) const;

 private:
  mutable Mutex mutex_;
  std::vector<RegisterCall> calls_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> signed_in_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> signed_out_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> maybe_signed_out_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> ignored_users_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::testing
