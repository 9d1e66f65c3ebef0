#pragma once

#include "absl/status/statusor.h"

namespace auth::dev {

// Whether a server could listen on 127.0.0.1:`port` now.
bool LoopbackPortIsFree(int port);

// A free port that stays free: below Linux's ephemeral ports, on one of which a client that
// reconnects to a stopped server can be given that very port as its own, and then is connected to
// itself. Nobody else who asks here is given it as long as this process lives, which costs it a
// file descriptor: a server may begin to listen long after its port was chosen.
absl::StatusOr<int> ChooseLoopbackPort();

}  // namespace auth::dev
