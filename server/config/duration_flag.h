#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pool/clock.h"

namespace auth::server {

// Reads `500ms`, `0.5s`, `10s`, `5m`, `24h` or sums of them (`1h30m`). The unit is required, except
// of 0. INVALID_ARGUMENT says what a duration looks like.
absl::StatusOr<Duration> ParseDuration(std::string_view text);

// The shortest text that ParseDuration reads back to a duration of whole milliseconds: "1m30s".
std::string FormatDuration(Duration duration);

}  // namespace auth::server
