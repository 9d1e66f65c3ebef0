#pragma once

#include <string>

#include "absl/time/time.h"
#include "auth/v1/admin_service.pb.h"
#include "client/authctl/style.h"

namespace auth::authctl {

// A PoolStatus for people. Pure functions; what the server says is made safe to show.

// "850us", "1.24ms", "3.1s", "2m14s", "5h03m", "12d4h".
std::string ShortDuration(absl::Duration duration);

// The whole picture, as aligned tables. `before`, unless null, is an earlier one of the same
// server: the latencies of the time between are shown beside those since its start.
std::string PoolText(const v1::PoolStatus& status, const v1::PoolStatus* before,
                     const Style& style);

// One line: "2026-11-26T07:31:44Z up breaker=closed in_use=1 …".
std::string PoolLine(const v1::PoolStatus& status);

}  // namespace auth::authctl
