#pragma once

#include "absl/status/status.h"

namespace auth::authctl {

// What scripts and probes see of a run. Stable.
enum ExitCode {
  kOk = 0,
  kRefused = 1,      // the server answered, and the answer is no
  kUsage = 2,        // the command line, a file it names, or stdout cannot be used
  kUnavailable = 3,  // no server answered, or it cannot work just now: the same may succeed later
};

// The exit code of a failed call.
ExitCode ExitCodeOf(const absl::Status& failure);

}  // namespace auth::authctl
