#pragma once

#include <string>

namespace auth::testing {

// `url`, a postgresql:// URI with one host, with 127.0.0.1 and `port` in the place of its own: the
// same database through something that listens there. Throws std::runtime_error on another form.
std::string WithLoopbackPort(const std::string& url, int port);
// The same with `address`, which is host:port.
std::string WithAddress(const std::string& url, const std::string& address);

}  // namespace auth::testing
