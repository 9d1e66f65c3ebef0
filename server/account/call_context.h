#pragma once

#include <atomic>
#include <string_view>

#include "pool/clock.h"

namespace auth::account {

// What an operation, and the store on its behalf, may know of the call that they serve.
struct CallContext {
  MonotonicTime deadline;
  // Set when the caller has gone.
  const std::atomic<bool>* cancelled = nullptr;
  // Where the store counts its attempts at the database.
  std::atomic<int>* db_attempts = nullptr;
  // The trace that the caller records the call in, which the database may show; empty if none.
  std::string_view sampled_trace_id = {};
};

}  // namespace auth::account
