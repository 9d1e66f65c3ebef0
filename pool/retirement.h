#pragma once

#include <optional>

#include "pool/pool_observer.h"
#include "pool/sql_error.h"

namespace auth::pool {

// Why a connection is closed, and what its failure says of the others, if it failed.
struct Retirement {
  RetireReason reason = RetireReason::kLost;
  std::optional<SqlError> failure;
};

}  // namespace auth::pool
