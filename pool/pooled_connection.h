#pragma once

#include "absl/status/status.h"
#include "pool/connection.h"

namespace auth::pool {

class ConnectionPool;
struct Slot;

// A borrowed connection; gives it back when destroyed. Move-only, used by one thread at a time, and
// must not outlive its pool.
class PooledConnection {
 public:
  PooledConnection(PooledConnection&& other) noexcept;
  PooledConnection& operator=(PooledConnection&& other) noexcept;
  ~PooledConnection();

  Connection* operator->() const;
  Connection& operator*() const;

  // Gives the connection back to be closed in the place of reused. `fault` tells the pool why: a
  // loss makes it look at every idle connection; 25006 or a server shutdown recreates the pool.
  void Discard(const absl::Status& fault) &&;

 private:
  friend class ConnectionPool;
  PooledConnection(ConnectionPool* pool, Slot* slot);

  ConnectionPool* pool_;
  Slot* slot_;
};

}  // namespace auth::pool
