#include "pool/borrower.h"

#include "absl/strings/str_cat.h"
#include "pool/retry_after.h"

namespace auth::pool {
namespace {

absl::Status Refuse(Borrower* borrower, AcquireResult as, absl::Status status) {
  borrower->refused_as = as;
  return status;
}

}  // namespace

absl::Status RefuseAtDeadline(Borrower* borrower) {
  return Refuse(
      borrower, AcquireResult::kTimeout,
      absl::DeadlineExceededError("no database connection became free before the call's deadline"));
}

absl::Status RefuseBusy(Borrower* borrower, Duration acquire_timeout) {
  return Refuse(
      borrower, AcquireResult::kTimeout,
      UnavailableFor(acquire_timeout, "all database connections are busy: try again later"));
}

absl::Status RefuseCrowd(Borrower* borrower, int waiters) {
  return Refuse(borrower, AcquireResult::kRejected,
                absl::ResourceExhaustedError(absl::StrCat(
                    waiters, " calls wait for a database connection: try again later")));
}

absl::Status RefuseBecause(Borrower* borrower, const absl::Status& why) {
  return Refuse(borrower,
                absl::IsCancelled(why) ? AcquireResult::kShutDown : AcquireResult::kUnavailable,
                why);
}

absl::Status OutageError(Duration retry_after) {
  return UnavailableFor(retry_after, "the database cannot be reached: try again later");
}

absl::Status ShutDownError() {
  return absl::CancelledError("the connection pool is shutting down");
}

}  // namespace auth::pool
