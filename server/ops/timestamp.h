#pragma once

#include <string>

#include "pool/clock.h"

namespace auth::ops {

// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z".
std::string FormatTimestamp(WallTime time);

}  // namespace auth::ops
