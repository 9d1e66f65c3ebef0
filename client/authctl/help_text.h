#pragma once

#include <string>

namespace auth::authctl {

// What --help prints for the command or group of commands `path` ("pool watch", "pool"); for the
// empty path, of authctl as a whole. Lines of up to 80 characters.
std::string HelpText(const std::string& path);

}  // namespace auth::authctl
