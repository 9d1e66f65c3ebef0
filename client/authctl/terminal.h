#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace auth::authctl {

// Asks for a secret on the process's terminal, whatever stdin and stdout are, and does not show
// what is typed. A signal that ends the process (Ctrl-C) leaves the terminal as it was, provided
// that the process has no other thread yet, to which the signal could go.
//
// FAILED_PRECONDITION if there is no terminal, or its input ends.
absl::StatusOr<std::string> AskWithoutEcho(const std::string& prompt);

}  // namespace auth::authctl
