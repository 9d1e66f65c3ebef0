#include "pool/clock.h"

namespace auth {

void RealClock::WaitUntil(MonotonicTime deadline, CondVar* condition, Mutex* mutex) const {
  condition->WaitUntilRealTime(mutex, deadline);
}

}  // namespace auth
