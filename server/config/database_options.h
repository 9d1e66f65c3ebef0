#pragma once

#include <vector>

#include "server/config/option.h"

namespace auth::server {

// Parts of AllOptions: which database, and how its connection pool behaves.
std::vector<Option> DatabaseOptions();
std::vector<Option> PoolOptionList();

}  // namespace auth::server
