#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace auth::pool {

// The numeric addresses of a host, at least one, in the order in which they should be tried. Blocks
// for as long as the system's resolver does. Failure: kLost, since a name that is unknown now may
// be known soon.
absl::StatusOr<std::vector<std::string>> ResolveHost(const std::string& host);

}  // namespace auth::pool
