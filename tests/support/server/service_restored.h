#pragma once

#include <chrono>
#include <string>

#include "tests/support/server/history.h"

namespace auth::testing {

// How every fault test ends: a new user registers and his session validates through the server at
// `address`, the first time within `within`; and no answer that `history` knows of contradicts the
// database at `url`. Reports what does not hold as failures of the test. No call may be running.
void ExpectServiceRestored(const std::string& address, const std::string& url, History* history,
                           std::chrono::milliseconds within);

}  // namespace auth::testing
