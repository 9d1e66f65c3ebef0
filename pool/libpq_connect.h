#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "pool/conninfo.h"

struct pg_conn;

namespace auth::pool {

struct PgConnDeleter {
  void operator()(pg_conn* connection) const noexcept;
};
// An open libpq connection.
using PgConn = std::unique_ptr<pg_conn, PgConnDeleter>;

// When to give up a connect.
struct ConnectDeadlines {
  MonotonicTime reached;   // nobody has accepted the connection
  MonotonicTime complete;  // the session is not there; not before `reached`
};

// How far a connect goes.
enum class ConnectDepth {
  kSession,   // to a session that can be used
  kListener,  // until somebody has accepted; nothing is sent
};

// Connects to the one host of `conninfo` without blocking in libpq: returns at its deadlines, or at
// once when `cancel_fd` becomes readable. If it names no hostaddr, libpq looks the host up, which
// blocks for as long as the resolver does, and the first of its addresses may take all the time.
//
// Failure: a Status with an SqlError and one clear line. kLost for what may pass (refused,
// unreachable, no such host, timeout, the server is starting), kConfiguration for what somebody
// must mend (password, database, TLS certificates, options), or what the server's SQLSTATE says.
absl::StatusOr<PgConn> ConnectLibpq(const Conninfo& conninfo, const ConnectDeadlines& deadlines,
                                    int cancel_fd, const Clock* clock,
                                    ConnectDepth depth = ConnectDepth::kSession);

}  // namespace auth::pool
