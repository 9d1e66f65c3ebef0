#include "pool/slot_table.h"

#include <algorithm>

namespace auth::pool {
namespace {

Slot* PopBack(std::vector<Slot*>* slots) {
  if (slots->empty()) return nullptr;
  Slot* const slot = slots->back();
  slots->pop_back();
  return slot;
}

}  // namespace

SlotTable::SlotTable(int max) : max_(max), slots_(static_cast<size_t>(max)) {
  counts_[static_cast<size_t>(SlotState::kEmpty)] = max;
  empty_.reserve(slots_.size());
  idle_.reserve(slots_.size());
  buried_.reserve(slots_.size());
  for (Slot& slot : slots_) empty_.push_back(&slot);
}

void SlotTable::SetState(Slot* slot, SlotState state) {
  --counts_[static_cast<size_t>(slot->state)];
  ++counts_[static_cast<size_t>(state)];
  slot->state = state;
}

Slot* SlotTable::TakeEmpty() {
  Slot* const slot = PopBack(&empty_);
  if (slot != nullptr) SetState(slot, SlotState::kConnecting);
  return slot;
}

void SlotTable::PutEmpty(Slot* slot) {
  SetState(slot, SlotState::kEmpty);
  empty_.push_back(slot);
}

Slot* SlotTable::TakeIdle() {
  Slot* const slot = PopBack(&idle_);
  if (slot == nullptr) return nullptr;
  slot->sweep = false;
  SetState(slot, SlotState::kValidating);
  return slot;
}

Slot* SlotTable::TakeSweep() {
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [](Slot* s) { return s->sweep; });
  if (found == idle_.rend()) return nullptr;
  Slot* const slot = *found;
  idle_.erase(std::next(found).base());
  slot->sweep = false;
  SetState(slot, SlotState::kValidating);
  return slot;
}

void SlotTable::PutIdle(Slot* slot) {
  SetState(slot, SlotState::kIdle);
  auto place = idle_.end();
  while (place != idle_.begin() && (*std::prev(place))->last_used > slot->last_used) --place;
  idle_.insert(place, slot);
}

void SlotTable::Bury(Slot* slot) {
  idle_.erase(std::find(idle_.begin(), idle_.end(), slot));
  SetState(slot, SlotState::kClosing);
  buried_.push_back(slot);
}

Slot* SlotTable::TakeBuried() { return PopBack(&buried_); }

}  // namespace auth::pool
