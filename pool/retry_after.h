#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "pool/clock.h"

namespace auth::pool {

// An UNAVAILABLE that carries when to try again.
absl::Status UnavailableFor(Duration retry_after, std::string_view message);

// How long to wait before trying again, if the pool knows: set on UNAVAILABLE, else zero.
Duration RetryAfter(const absl::Status& status);

}  // namespace auth::pool
