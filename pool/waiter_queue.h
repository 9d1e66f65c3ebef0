#pragma once

#include <cstdint>
#include <list>

#include "absl/status/status.h"
#include "pool/mutex.h"
#include "pool/slot.h"

namespace auth::pool {

// A caller that waits for a connection. Settled by a slot or by a refusal.
struct Waiter {
  uint64_t ticket = 0;
  Slot* slot = nullptr;
  absl::Status refusal;
  CondVar settled;

  bool is_settled() const { return slot != nullptr || !refusal.ok(); }
};

// Waiters in the order of their tickets, which is the order in which they came: one that comes back
// with an old ticket, because the connection it got was dead, goes before all younger ones.
//
// Waiters live as long as the queue and are reused. So a settled waiter may be notified after the
// lock is released, without asking whether its thread is still there. Not thread-safe.
class WaiterQueue {
 public:
  using Handle = std::list<Waiter>::iterator;

  int size() const { return static_cast<int>(queue_.size()); }
  bool empty() const { return queue_.empty(); }

  Handle Add(uint64_t ticket);
  // Takes the longest waiter out, to be settled at once.
  Waiter* Pop();
  // The waiter's thread goes on, settled or not.
  void Release(Handle waiter);

 private:
  std::list<Waiter> queue_;
  std::list<Waiter> settled_;
  std::list<Waiter> unused_;
};

}  // namespace auth::pool
