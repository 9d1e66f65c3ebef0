#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace auth::server {

// Where a listener binds: a numeric address or a name, and a port; port 0 picks a free one.
struct ListenAddress {
  std::string host;  // without brackets: "127.0.0.1", "::1", "localhost", "0.0.0.0"
  std::uint16_t port = 0;

  // Reads `127.0.0.1:50051`, `[::1]:50051` or `localhost:50051`.
  static absl::StatusOr<ListenAddress> Parse(std::string_view text);

  // "127.0.0.1:50051", "[::1]:50051".
  std::string ToString() const;
  // Whether only this machine can connect: 127.0.0.0/8, ::1, localhost.
  bool IsLoopback() const;
  // Where this machine reaches the listener: the loopback address in the place of 0.0.0.0 and ::.
  std::string DialHost() const;
};

}  // namespace auth::server
