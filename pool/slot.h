#pragma once

#include <cstdint>
#include <memory>

#include "pool/clock.h"
#include "pool/connection.h"

namespace auth::pool {

// empty → connecting → idle ↔ validating → in use → idle | closing → empty
enum class SlotState { kEmpty, kConnecting, kIdle, kValidating, kInUse, kClosing };
constexpr int kSlotStateCount = 6;

// A place for one connection. While it is idle (or empty) the pool's lock guards all of it; else
// its fields belong to the thread that took it, but for `state` and the leak warning's two.
struct Slot {
  SlotState state = SlotState::kEmpty;
  std::unique_ptr<Connection> connection;
  // The pool's generation when the connect began.
  int64_t generation = 0;
  MonotonicTime expires{};
  // The last time we knew that it was alive.
  MonotonicTime last_used{};
  // Another connection died: ping this one before it is lent.
  bool suspect = false;
  // To be peeked at by the maintainer.
  bool sweep = false;

  // For the leak warning; guarded by the pool's lock.
  MonotonicTime borrowed{};
  bool leak_reported = false;
};

}  // namespace auth::pool
