#include "pool/transaction_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "pool/backoff.h"
#include "pool/mutex.h"
#include "pool/retry_after.h"
#include "pool/sql_error.h"
#include "pool/tracked_connection.h"

namespace auth::pool {
namespace {

constexpr char kOutcomeUnknownUrl[] = "auth.pool/OutcomeUnknown";
constexpr Duration kFirstDelay = std::chrono::milliseconds(500);
constexpr Duration kLongestDelay = std::chrono::seconds(2);
// A delay that would reach the deadline is cut to half of what is left, to leave time for another
// attempt; but not below this, or the last moments would be one burst of attempts.
constexpr Duration kLeastDelay = std::chrono::milliseconds(10);
// How long callers should stay away from a server that is out of memory, disk or connections, or
// that gave a statement up.
constexpr Duration kResourcesRetryAfter = std::chrono::seconds(1);
// A call that ends at its deadline may still roll back: it takes a round trip to keep a healthy
// connection, and tens of milliseconds to make another.
constexpr Duration kRollbackGrace = std::chrono::milliseconds(50);

absl::Status DeadlineExceeded() {
  return absl::DeadlineExceededError("the deadline passed while the database was working");
}

absl::Status OutcomeUnknownStatus(const absl::Status& why) {
  absl::Status status = absl::UnknownError(absl::string_view(
      "it is not known whether the write is durable: " + std::string(why.message())));
  status.SetPayload(kOutcomeUnknownUrl, absl::Cord());
  return status;
}

// UNAVAILABLE with a time to come back, and all that `status` carries.
absl::Status WithRetryAfter(const absl::Status& status) {
  absl::Status unavailable = UnavailableFor(
      kResourcesRetryAfter, std::string_view(status.message().data(), status.message().size()));
  status.ForEachPayload([&unavailable](absl::string_view url, const absl::Cord& payload) {
    unavailable.SetPayload(url, payload);
  });
  return unavailable;
}

}  // namespace

// The state of one run across its attempts: decides whether and when there is another one.
class TransactionRunner::Replay {
 public:
  Replay(Effect effect, PoolObserver* observer) : effect_(effect), observer_(observer) {}

  // The result of the run if `attempt` was the last; nullopt if it is to be replayed.
  std::optional<absl::Status> Judge(const Attempt& attempt, bool deadline_passed);
  // The result of a run that ends with `status` without an answer from the database.
  absl::Status GiveUp(const absl::Status& status);
  // How long to wait before the replay that Judge asked for.
  Duration NextDelay();

 private:
  absl::Status End(absl::Status status, std::string_view resolution);

  const Effect effect_;
  PoolObserver* const observer_;
  // A write of an earlier attempt may or may not be durable.
  bool in_doubt_ = false;
  int replays_ = 0;
  bool stale_statement_seen_ = false;
  SqlFault last_fault_ = SqlFault::kLost;
  std::optional<Backoff> backoff_;  // seeds itself, so only where it is needed
};

std::optional<absl::Status> TransactionRunner::Replay::Judge(const Attempt& attempt,
                                                             bool deadline_passed) {
  const std::optional<SqlError> error = GetSqlError(attempt.status);
  observer_->OnAttempt(effect_, error ? SqlFaultName(error->fault) : std::string_view());
  if (!error.has_value()) return End(attempt.status, "replayed");

  last_fault_ = error->fault;
  if (effect_ != Effect::kReadOnly && attempt.in_doubt) in_doubt_ = true;
  if (deadline_passed || error->fault == SqlFault::kDeadline) return GiveUp(DeadlineExceeded());
  if (effect_ == Effect::kOnce && error->fault != SqlFault::kPermanent &&
      (attempt.committed || attempt.in_doubt)) {
    in_doubt_ = true;  // a part of it may be durable
    return GiveUp(attempt.status);
  }

  switch (error->fault) {
    case SqlFault::kLost:
    case SqlFault::kReadOnlyServer:
    case SqlFault::kSerialization:
      break;
    case SqlFault::kLockTimeout:
      if (in_doubt_) return GiveUp(attempt.status);
      break;
    case SqlFault::kStaleStatement:
      if (std::exchange(stale_statement_seen_, true)) {
        // Not the session's fault then, so repeating does not help.
        return GiveUp(MakeSqlStatus(SqlError{SqlFault::kPermanent, error->sqlstate, ""},
                                    std::string(attempt.status.message())));
      }
      break;
    case SqlFault::kServerFull:
    case SqlFault::kResources:
    case SqlFault::kCanceled:
      return GiveUp(WithRetryAfter(attempt.status));
    default:
      return GiveUp(attempt.status);
  }
  return std::nullopt;
}

absl::Status TransactionRunner::Replay::GiveUp(const absl::Status& status) {
  const bool unknown = in_doubt_ && !absl::IsDeadlineExceeded(status);
  return End(unknown ? OutcomeUnknownStatus(status) : status, "unknown");
}

absl::Status TransactionRunner::Replay::End(absl::Status status, std::string_view resolution) {
  if (in_doubt_) observer_->OnInDoubt(resolution);
  return status;
}

Duration TransactionRunner::Replay::NextDelay() {
  const bool first = replays_++ == 0;
  // Sessions that collided once would do so again if they came back at once.
  if (first && last_fault_ != SqlFault::kSerialization) return Duration::zero();
  if (!backoff_.has_value()) backoff_.emplace(kFirstDelay, kLongestDelay);
  return backoff_->Next();
}

TransactionRunner::TransactionRunner(ConnectionPool* pool, const Clock* clock,
                                     PoolObserver* observer)
    : pool_(pool), clock_(clock), observer_(observer) {}

absl::Status TransactionRunner::Run(Effect effect, MonotonicTime deadline, Body body,
                                    const std::string& label) const {
  return RunUntilDone(effect, deadline, label,
                      [&](TrackedConnection& connection) { return body(connection); });
}

absl::Status TransactionRunner::RunInTransaction(Effect effect, MonotonicTime deadline,
                                                 Body body) const {
  return RunUntilDone(effect, deadline, /*label=*/"", [&](TrackedConnection& connection) {
    absl::Status status = connection.Begin(deadline);
    if (status.ok()) status = body(connection);
    if (!status.ok()) return status;
    status = connection.Commit(deadline);
    const std::optional<SqlError> error = GetSqlError(status);
    const bool answered_rollback =
        error.has_value() && error->fault == SqlFault::kSerialization && error->sqlstate.empty();
    // The reason is the statement whose failure `body` did not report.
    return answered_rollback && !connection.failed_statement().ok() ? connection.failed_statement()
                                                                    : status;
  });
}

absl::Status TransactionRunner::RunUntilDone(Effect effect, MonotonicTime deadline,
                                             const std::string& label, Work work) const {
  Replay replay(effect, observer_);
  for (;;) {
    absl::StatusOr<PooledConnection> connection = pool_->Acquire(deadline);
    if (!connection.ok()) return replay.GiveUp(connection.status());
    const Attempt attempt = RunOnce(*std::move(connection), deadline, label, work);
    if (std::optional<absl::Status> result =
            replay.Judge(attempt, clock_->Monotonic() >= deadline)) {
      return *std::move(result);
    }
    Wait(replay.NextDelay(), deadline);
  }
}

TransactionRunner::Attempt TransactionRunner::RunOnce(PooledConnection connection,
                                                      MonotonicTime deadline,
                                                      const std::string& label, Work work) const {
  TrackedConnection tracked(&*connection, clock_, label);
  Attempt attempt;
  try {
    attempt.status = work(tracked);
  } catch (...) {
    // Nobody knows what the session is in the middle of.
    std::move(connection).Discard(absl::InternalError("its user threw"));
    throw;
  }
  attempt.committed = tracked.committed();
  attempt.in_doubt = tracked.in_doubt();
  absl::Status end = tracked.end();
  if (end.ok() && tracked.in_transaction()) {
    end = tracked.Rollback(std::max(deadline, clock_->Monotonic() + kRollbackGrace));
  }
  if (!end.ok()) std::move(connection).Discard(end);
  return attempt;
}

void TransactionRunner::Wait(Duration delay, MonotonicTime deadline) const {
  if (delay == Duration::zero()) return;
  const MonotonicTime now = clock_->Monotonic();
  const Duration last_chance = std::max<Duration>((deadline - now) / 2, kLeastDelay);
  const MonotonicTime until = std::min(deadline, now + std::min(delay, last_chance));
  Mutex mutex;
  CondVar nobody;
  MutexLock lock(&mutex);
  while (clock_->Monotonic() < until) clock_->WaitUntil(until, &nobody, &mutex);
}

bool OutcomeUnknown(const absl::Status& status) {
  return status.GetPayload(kOutcomeUnknownUrl).has_value();
}

}  // namespace auth::pool
