#include "pool/noting_connection.h"

#include "pool/sql_error.h"

namespace auth::pool {

bool NotingConnection::Answers(const absl::Status& status) {
  if (status.ok()) return true;
  const SqlFault fault = SqlErrorOrLost(status).fault;
  return fault != SqlFault::kLost && fault != SqlFault::kDeadline;
}

}  // namespace auth::pool
