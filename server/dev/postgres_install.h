#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/dev/child_process.h"

namespace auth::dev {

// The directory that holds PostgreSQL's `initdb` and `postgres`: of major version `version` if one
// is given (a cluster can be used by its own version only), else the newest. Looks at Debian's
// /usr/lib/postgresql/<version>/bin and along `search_path`, as in $PATH.
absl::StatusOr<std::filesystem::path> FindPostgres(const std::optional<std::string>& version,
                                                   const std::string& search_path);

// Whom to run PostgreSQL as: nullopt is ourselves; for root it is the system's user `postgres`,
// since PostgreSQL refuses to run as root.
absl::StatusOr<std::optional<SystemUser>> PostgresUser();

}  // namespace auth::dev
