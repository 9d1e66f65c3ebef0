#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/pool_options.h"
#include "pool/transaction_runner.h"

namespace auth::store {

// What the database says about the connections it grants us. What an engine does not tell is unset.
struct ConnectionLimits {
  // The least of what the server, the database and our role allow, for all replicas together.
  std::optional<int> connections;
  // After which the server closes an idle session.
  std::optional<Duration> idle_session_timeout;
  // Whether our sessions have a statement_timeout and a lock_timeout: through a transaction pooler
  // they get none from us.
  bool has_timeouts = true;
};

// One statement. Fails as TransactionRunner does.
absl::StatusOr<ConnectionLimits> ReadConnectionLimits(const pool::TransactionRunner& runner,
                                                      MonotonicTime deadline);

// A sentence for each setting of the pool that cannot work well with these limits, for the operator
// to read at start. `host` is the database's, empty if unknown: what a serverless provider's
// suspend is, the database itself does not tell.
std::vector<std::string> ConnectionWarnings(const ConnectionLimits& limits,
                                            const pool::PoolOptions& options,
                                            const std::string& host);

}  // namespace auth::store
