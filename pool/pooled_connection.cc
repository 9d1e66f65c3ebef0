#include "pool/pooled_connection.h"

#include <optional>
#include <utility>

#include "pool/connection_pool.h"
#include "pool/retirement.h"
#include "pool/sql_error.h"

namespace auth::pool {
namespace {

RetireReason ReasonFor(const std::optional<SqlError>& fault) {
  if (!fault.has_value()) return RetireReason::kLost;
  switch (fault->fault) {
    case SqlFault::kReadOnlyServer:
      return RetireReason::kReadOnly;
    case SqlFault::kDeadline:
      return RetireReason::kDeadline;
    case SqlFault::kStaleStatement:
      return RetireReason::kStaleStatement;
    default:
      return RetireReason::kLost;
  }
}

}  // namespace

PooledConnection::PooledConnection(ConnectionPool* pool, Slot* slot) : pool_(pool), slot_(slot) {}

PooledConnection::PooledConnection(PooledConnection&& other) noexcept
    : pool_(other.pool_), slot_(std::exchange(other.slot_, nullptr)) {}

PooledConnection& PooledConnection::operator=(PooledConnection&& other) noexcept {
  PooledConnection taken(std::move(other));
  std::swap(pool_, taken.pool_);
  std::swap(slot_, taken.slot_);
  return *this;
}

PooledConnection::~PooledConnection() {
  if (slot_ != nullptr) pool_->Return(slot_);
}

Connection* PooledConnection::operator->() const { return slot_->connection.get(); }

Connection& PooledConnection::operator*() const { return *slot_->connection; }

void PooledConnection::Discard(const absl::Status& fault) && {
  const std::optional<SqlError> error = GetSqlError(fault);
  pool_->Retire(std::exchange(slot_, nullptr), Retirement{ReasonFor(error), error});
}

}  // namespace auth::pool
