#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace auth::ops {

// A TCP socket that listens; the caller closes `fd`.
struct ListenSocket {
  int fd = -1;
  std::uint16_t port = 0;  // the real one, if 0 was asked for
};

// Binds the first address that `host` stands for. UNAVAILABLE, naming the address and the reason,
// if that fails.
absl::StatusOr<ListenSocket> ListenOn(const std::string& host, std::uint16_t port);

}  // namespace auth::ops
