#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/config/option.h"

namespace auth::server {

// What the environment says: AUTH_… for each option and AUTH_CONFIG for --config. NEON_DB_URL, else
// DATABASE_URL, count as AUTH_DATABASE_URL if no AUTH_ variable names a database.
//
// INVALID_ARGUMENT for any other AUTH_ variable, naming the closest known one: a mistyped limit
// must not go unnoticed. What Kubernetes injects for a Service called `auth…` is passed over.
absl::StatusOr<Settings> ReadEnvironment(const Environment& environment,
                                         const std::vector<Option>& options);

// Whether Kubernetes makes variables of this name for a Service: *_SERVICE_HOST, *_SERVICE_PORT*,
// *_PORT, *_PORT_<number>_*.
bool IsServiceLink(const std::string& variable);

}  // namespace auth::server
