#pragma once

#include <string>

namespace auth::authctl {

// authctl(1) in roff, for man.
std::string ManualPage();

}  // namespace auth::authctl
