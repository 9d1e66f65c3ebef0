#pragma once

#include "pool/clock.h"

namespace auth::ops {

// Ends the process with exit code 1 and one line on stderr if it still runs after `limit` (rounded
// up to seconds): a stop that hangs, whatever on, must not wait for somebody's SIGKILL. A timer of
// the kernel's (SIGALRM), so that it needs nothing of the process but to exist. Arming it again
// starts it anew. Nothing in the process may use SIGALRM or alarm(2) for anything else.
void ArmExitWatchdog(Duration limit);

}  // namespace auth::ops
