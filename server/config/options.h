#pragma once

#include <vector>

#include "server/config/option.h"

namespace auth::server {

// The options that name a database: exactly one of them decides.
inline constexpr const char* kDatabaseOptions[] = {"database-url", "database-url-file",
                                                   "embedded-postgres"};

// All settings, in the order of --help. Made anew by each call: keep the result.
std::vector<Option> AllOptions();

}  // namespace auth::server
