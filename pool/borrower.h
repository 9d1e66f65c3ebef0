#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/pool_observer.h"

namespace auth::pool {

// One call of ConnectionPool::Acquire.
struct Borrower {
  MonotonicTime begin{};
  MonotonicTime deadline{};
  // The place in the order of arrival; kept when a connection turns out dead. 0: not drawn yet.
  uint64_t ticket = 0;
  // Why it got no connection.
  AcquireResult refused_as = AcquireResult::kOk;
};

// What a borrower is told who gets no connection. Each notes the reason in `borrower`.

absl::Status RefuseAtDeadline(Borrower* borrower);
// The pool is busy and stays so.
absl::Status RefuseBusy(Borrower* borrower, Duration acquire_timeout);
// `waiters` wait already, as many as may.
absl::Status RefuseCrowd(Borrower* borrower, int waiters);
// `why`: OutageError, ShutDownError, or what the database has against our configuration.
absl::Status RefuseBecause(Borrower* borrower, const absl::Status& why);

absl::Status OutageError(Duration retry_after);
absl::Status ShutDownError();

}  // namespace auth::pool
