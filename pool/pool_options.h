#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "pool/clock.h"

namespace auth::pool {

// What stands between us and the server.
enum class PoolMode {
  // kTransaction if a host's first label ends in "-pooler" (Neon), or if the server refuses our
  // start-up options, as PgBouncer does; else kDirect.
  kAuto,
  kDirect,       // a session is ours alone: start-up options, prepared statements
  kTransaction,  // a pooler lends sessions for one transaction: neither
};

// How the pool behaves. Defaults suit a serverless PostgreSQL (Neon) and any other.
struct PoolOptions {
  // Opened at start. Not refilled until somebody asks, so that an idle service lets the database
  // sleep; `idle_timeout` closes these too.
  int min_connections = 1;
  // The most this process ever holds. Times replicas it must stay below the server's limit.
  int max_connections = 10;
  // Callers that may wait for a connection, at least one; one more is refused at once.
  int max_waiters = 2000;
  // One attempt to connect, to all hosts and addresses together, DNS not included. A cold start of
  // a serverless database takes seconds.
  Duration connect_timeout = std::chrono::seconds(10);
  // The longest wait for a busy pool. Unset: the call's own deadline. It does not limit the wait
  // for a connect: in an outage callers wait for their deadline and `outage_patience`.
  std::optional<Duration> acquire_timeout;
  // Failed connects in a row that are logged as one series; after the last of them the pool is
  // recreated and the count starts again. It never ends a call that has time left.
  int max_retries = 3;
  // The first cap of the jittered delay between connects at start (0.5, 1, 2 s). In an outage
  // callers are waiting and the delay is 0.2 to 0.4 s.
  Duration retry_delay = std::chrono::milliseconds(500);
  // Connects must have failed for so long, without one success, before callers are refused at once.
  Duration outage_patience = std::chrono::seconds(30);
  // A connection idle for longer is pinged before it is lent; a fresher one is only peeked at.
  Duration validate_after_idle = std::chrono::seconds(30);
  // The bound of that ping. A half-open connection must not hold its borrower for longer.
  Duration ping_timeout = std::chrono::milliseconds(250);
  // Keep well below the database's suspend or idle limit (Neon: 300 s); equal is a coin flip.
  Duration idle_timeout = std::chrono::seconds(120);
  // Less up to 20 % jitter, so that connections do not all end together.
  Duration max_lifetime = std::chrono::minutes(30);
  // Connects under way at once while they succeed; after a failure always one.
  int max_connecting = 2;
  // Connections that end together (the server shuts down, another becomes the primary) are replaced
  // one by one over this time, the first at once, so that many servers are no herd. Zero: as fast
  // as callers ask. Until it is over callers share fewer connections: keep it well below their
  // deadlines.
  Duration replace_over = std::chrono::milliseconds(500);
  // A connection borrowed for longer is reported as leaked, once.
  Duration leak_threshold = std::chrono::seconds(30);

  // OK, or INVALID_ARGUMENT naming the option and what it must be.
  absl::Status Validate() const;
};

}  // namespace auth::pool
