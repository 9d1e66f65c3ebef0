#pragma once

#include "absl/status/status.h"
#include "pool/clock.h"
#include "server/account/call_context.h"

namespace auth::account {

// Where the next step of an operation must run.
enum class Stage {
  kHash,   // on a hash worker: CPU-bound
  kStore,  // on a store worker: waits for the database
  kDone,   // nowhere: result() is there
};

// CANCELLED or DEADLINE_EXCEEDED if nobody waits for the answer any more: asked right before a
// hash, the costliest thing that a call does.
absl::Status CheckStillWanted(const CallContext& context, const Clock& clock);

// One call of a use case (RegisterUser, SignIn, …), cut into steps, so that hashing never waits for
// the database and no thread of the RPC library ever blocks.
//
// Made for one call and driven by whoever owns it: Begin, then Run on the executor that the last
// step named, until kDone. Not thread-safe, but each step may run on another thread. Derived
// classes have `const absl::StatusOr<…>& result() const`, to be read once done.
class Operation {
 public:
  virtual ~Operation() = default;

  // Structural checks only (sizes, syntax of ids): microseconds, no I/O.
  virtual Stage Begin() = 0;
  // Whether it hashes although its first step is at the store.
  virtual bool HashesLater() const { return false; }
  // Runs the next step.
  virtual Stage Run(const CallContext& context) = 0;
};

}  // namespace auth::account
