#include "tests/support/postgres_url.h"

#include <stdexcept>

namespace auth::testing {

std::string WithLoopbackPort(const std::string& url, int port) {
  return WithAddress(url, "127.0.0.1:" + std::to_string(port));
}

std::string WithAddress(const std::string& url, const std::string& address) {
  const size_t authority = url.find("://");
  const size_t path = authority == std::string::npos ? authority : url.find('/', authority + 3);
  if (path == std::string::npos) throw std::runtime_error("not postgresql://…/database: " + url);
  const size_t at = url.rfind('@', path);
  const size_t host = at == std::string::npos || at < authority ? authority + 3 : at + 1;
  return url.substr(0, host) + address + url.substr(path);
}

}  // namespace auth::testing
