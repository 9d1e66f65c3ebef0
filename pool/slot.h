#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "pool/clock.h"
#include "pool/connection.h"

namespace auth::pool {

// empty → connecting → idle ↔ validating → in use → idle | closing → empty
enum class SlotState { kEmpty, kConnecting, kIdle, kValidating, kInUse, kClosing };
constexpr int kSlotStateCount = 6;
// For people and metric labels, e.g. "in_use"; kClosing is "resetting".
std::string_view Name(SlotState state);

// A place for one connection. While it is idle (or empty) the pool's lock guards all of it; else
// its fields belong to the thread that took it, but for those that the lock guards always.
struct Slot {
  SlotState state = SlotState::kEmpty;
  std::unique_ptr<Connection> connection;
  // The pool's newest generation when the connect began.
  int64_t generation = 0;
  MonotonicTime opened{};
  MonotonicTime expires{};
  // The last time we knew that it was alive.
  MonotonicTime last_used{};
  // The database has answered on it since it was lent.
  bool answered = false;
  // Another connection died: ping this one before it is lent.
  bool suspect = false;
  // To be peeked at by the maintainer.
  bool sweep = false;

  // For the leak warning; guarded by the pool's lock.
  MonotonicTime borrowed{};
  bool leak_reported = false;
};

}  // namespace auth::pool
