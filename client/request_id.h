#pragma once

#include <string>

namespace auth::client {

// A fresh UUID (version 7) for one registration: what makes its repeats harmless, see
// RegisterOptions::request_id. Thread-safe.
std::string NewRequestId();

}  // namespace auth::client
