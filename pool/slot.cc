#include "pool/slot.h"

namespace auth::pool {

std::string_view Name(SlotState state) {
  switch (state) {
    case SlotState::kEmpty:
      return "empty";
    case SlotState::kConnecting:
      return "connecting";
    case SlotState::kIdle:
      return "idle";
    case SlotState::kValidating:
      return "validating";
    case SlotState::kInUse:
      return "in_use";
    case SlotState::kClosing:
      return "resetting";
  }
  return "unknown";
}

}  // namespace auth::pool
