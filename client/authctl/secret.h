#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/authctl/command_line.h"

namespace auth::authctl {

// How often the terminal asks for a password: twice for a new one, which nobody has checked yet.
enum class Ask { kOnce, kTwice };

// The password from `source`, without one line end, or from the terminal.
//
// Failures say which option to use. FAILED_PRECONDITION without source and terminal,
// INVALID_ARGUMENT if the source cannot be read or is empty.
absl::StatusOr<std::string> ReadPassword(const SecretSource& source, Ask ask);

// The session token from `source`, AUTHCTL_TOKEN or the terminal, without white space around it.
absl::StatusOr<std::string> ReadToken(const SecretSource& source);

}  // namespace auth::authctl
