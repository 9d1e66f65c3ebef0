#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"
#include "tests/support/history_checker.h"
#include "tests/support/server/calls.h"

namespace auth::testing {

// A HistoryChecker fed with the answers of the generated stub. Attempts with the same request_id
// are one operation, those without any are each one of their own. For addresses in lower case.
// Thread-safe.
class History {
 public:
  void Record(const RegisterAttempt& attempt);
  // Users that are there already are none of this history's business.
  void IgnoreExisting(SqlConnection& database) { checker_.IgnoreExisting(database); }
  // The session of a sign-in that was answered OK.
  void RecordSignIn(const std::string& session_id) { checker_.RecordSignIn(session_id); }
  // How the sign-out of `session_id` was answered.
  void RecordSignOut(const std::string& session_id, const grpc::Status& status);

  // How many operations it knows of: what a new e-mail address can be named after.
  int64_t operations() const;

  // Compares with the database of `url` when no call is running any more: each violation on a line,
  // or nothing.
  std::string Check(const std::string& url) const;

 private:
  int64_t OperationOf(const std::string& request_id);

  HistoryChecker checker_;
  mutable Mutex mutex_;
  int64_t last_operation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int64_t> operations_ ABSL_GUARDED_BY(mutex_);  // by request_id
};

}  // namespace auth::testing
