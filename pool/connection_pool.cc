#include "pool/connection_pool.h"

#include <utility>

namespace auth::pool {

ConnectionPool::ConnectionPool(PoolOptions options, std::unique_ptr<ConnectionFactory> factory,
                               const Clock* clock, PoolObserver* observer)
    : clock_(clock),
      observer_(observer),
      options_(std::move(options)),
      factory_(std::move(factory)),
      state_(options_, clock, observer),
      validator_(options_, clock, observer),
      connector_(options_, clock, factory_.get(), &state_),
      maintainer_(observer, &state_) {}

ConnectionPool::~ConnectionPool() {
  state_.BeginDrain();
  state_.Stop();
  factory_->Cancel();
}

void ConnectionPool::Start() {
  observer_->OnStarted(options_.min_connections, options_.max_connections);
  state_.RequestInitial(options_.min_connections);
}

absl::StatusOr<PooledConnection> ConnectionPool::Acquire(MonotonicTime deadline) {
  Borrower borrower;
  borrower.begin = clock_->Monotonic();
  borrower.deadline = deadline;
  absl::StatusOr<PooledConnection> connection = Borrow(&borrower);
  observer_->OnAcquire(connection.ok() ? AcquireResult::kOk : borrower.refused_as,
                       clock_->Monotonic() - borrower.begin);
  return connection;
}

absl::StatusOr<PooledConnection> ConnectionPool::Borrow(Borrower* borrower) {
  while (true) {
    const absl::StatusOr<Slot*> slot = state_.AwaitSlot(borrower);
    if (!slot.ok()) return slot.status();
    const Validation validation = Validate(*slot, borrower->deadline);
    if (validation.unfit.has_value()) {
      Retire(*slot, *validation.unfit);
    } else if (const auto obsolete = state_.Lend(*slot, validation.pinged)) {
      Retire(*slot, Retirement{*obsolete, std::nullopt});
    } else {
      return PooledConnection(this, *slot);
    }
  }
}

Validation ConnectionPool::Validate(Slot* slot, MonotonicTime deadline) {
  try {
    return validator_.Validate(slot, deadline);
  } catch (...) {
    // No memory left, perhaps. Nobody knows what the session is in the middle of.
    Retire(slot, Retirement{RetireReason::kLost, std::nullopt});
    throw;
  }
}

void ConnectionPool::Return(Slot* slot) {
  if (state_.Return(slot)) return;
  slot->connection.reset();
  state_.OnClosed(slot);
}

void ConnectionPool::Retire(Slot* slot, const Retirement& retirement) {
  state_.Retire(slot, retirement);
  slot->connection.reset();
  state_.OnClosed(slot);
}

void ConnectionPool::InvalidateAll() { state_.Recreate(); }

void ConnectionPool::LookAtIdle() { state_.LookAtIdle(); }

PoolStats ConnectionPool::Stats() const { return state_.Stats(); }

absl::Status ConnectionPool::Drain(MonotonicTime deadline) {
  state_.BeginDrain();
  factory_->Cancel();
  if (state_.AwaitEmpty(deadline)) return absl::OkStatus();
  state_.CutBorrowed();
  return absl::DeadlineExceededError(
      "connections are still in use or being made at the end of the drain");
}

}  // namespace auth::pool
