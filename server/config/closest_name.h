#pragma once

#include <string>
#include <vector>

namespace auth::server {

// Of `names`, the one with the fewest typing errors between it and `typed`. `names` is not empty.
std::string ClosestName(const std::string& typed, const std::vector<std::string>& names);

}  // namespace auth::server
