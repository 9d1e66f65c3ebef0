#pragma once

#include <atomic>

#include "pool/clock.h"

namespace auth::account {

// What an operation, and the store on its behalf, may know of the call that they serve.
struct CallContext {
  MonotonicTime deadline;
  // Set when the caller has gone.
  const std::atomic<bool>* cancelled = nullptr;
  // Where the store counts its attempts at the database.
  std::atomic<int>* db_attempts = nullptr;
};

}  // namespace auth::account
