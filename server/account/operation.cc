#include "server/account/operation.h"

#include "server/account/errors.h"

namespace auth::account {

absl::Status CheckStillWanted(const CallContext& context, const Clock& clock) {
  if (context.cancelled != nullptr && context.cancelled->load(std::memory_order_relaxed)) {
    return MakeError(Reason::kCancelled);
  }
  if (clock.Monotonic() >= context.deadline) return MakeError(Reason::kDeadlineExceeded);
  return absl::OkStatus();
}

}  // namespace auth::account
