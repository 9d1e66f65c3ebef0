#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace auth::rpc {

// The code's name as gRPC writes it: "OK", "INVALID_ARGUMENT", …; a static string.
std::string_view CodeName(absl::StatusCode code);

}  // namespace auth::rpc
