#include "pool/waiter_queue.h"

namespace auth::pool {

WaiterQueue::Handle WaiterQueue::Add(uint64_t ticket) {
  if (unused_.empty()) unused_.emplace_back();
  const Handle waiter = unused_.begin();
  waiter->ticket = ticket;
  auto place = queue_.end();
  while (place != queue_.begin() && std::prev(place)->ticket > ticket) --place;
  queue_.splice(place, unused_, waiter);
  return waiter;
}

Waiter* WaiterQueue::Pop() {
  if (queue_.empty()) return nullptr;
  settled_.splice(settled_.end(), queue_, queue_.begin());
  return &settled_.back();
}

void WaiterQueue::Release(Handle waiter) {
  unused_.splice(unused_.begin(), waiter->is_settled() ? settled_ : queue_, waiter);
  waiter->slot = nullptr;
  waiter->refusal = absl::OkStatus();
}

}  // namespace auth::pool
