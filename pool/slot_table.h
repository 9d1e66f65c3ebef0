#pragma once

#include <array>
#include <memory>
#include <vector>

#include "pool/slot.h"

namespace auth::pool {

// The pool's slots, as many as it may ever hold connections, and who has which. Allocates nothing
// after construction. Not thread-safe.
class SlotTable {
 public:
  explicit SlotTable(int max);

  int max() const { return max_; }
  int count(SlotState state) const { return counts_[static_cast<size_t>(state)]; }
  // Connections that exist for the database, with those that come and go.
  int total() const { return max_ - count(SlotState::kEmpty); }
  // Those of them that work as far as we know.
  int open() const {
    return count(SlotState::kIdle) + count(SlotState::kValidating) + count(SlotState::kInUse);
  }

  // Moves a slot to a state that has no list: kConnecting, kValidating, kInUse or kClosing (by the
  // calling thread).
  void SetState(Slot* slot, SlotState state);

  // An empty slot, kConnecting now; nullptr if there is none.
  Slot* TakeEmpty();
  // The connection of this slot was destroyed.
  void PutEmpty(Slot* slot);

  // The idle connection that was used last, kValidating now; nullptr if there is none.
  Slot* TakeIdle();
  // The same among those marked `sweep`. Either takes the mark away.
  Slot* TakeSweep();
  void PutIdle(Slot* slot);

  // Idle slots, the one used last at the end.
  const std::vector<Slot*>& idle() const { return idle_; }
  // Visits every slot: for (Slot& slot : slots()).
  std::vector<Slot>& slots() { return slots_; }
  const std::vector<Slot>& slots() const { return slots_; }

  // Moves an idle slot to those that the maintainer closes.
  void Bury(Slot* slot);
  // A slot to close, or nullptr.
  Slot* TakeBuried();

 private:
  const int max_;
  std::vector<Slot> slots_;
  std::array<int, kSlotStateCount> counts_{};
  std::vector<Slot*> empty_;
  // In the order of last_used.
  std::vector<Slot*> idle_;
  std::vector<Slot*> buried_;
};

}  // namespace auth::pool
