#include "server/dev/loopback_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace auth::dev {
namespace {

constexpr int kFirstPort = 20000;
constexpr int kLastPort = 32767;
constexpr int kAttempts = 20;

// Whether no other process that asks has the port. It is ours until this process ends: the name of
// an abstract socket, which is never closed for that reason.
bool Reserve(int port) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = absl::StrCat("auth_server-loopback-port-", port);
  text.copy(name.sun_path + 1, sizeof name.sun_path - 1);  // a NUL before it: no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  if (bind(fd, reinterpret_cast<sockaddr*>(&name), size) == 0) return true;
  close(fd);
  return false;
}

}  // namespace

bool LoopbackPortIsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // As postgres does: connections of a server that has just ended are no hindrance.
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is_free;
}

absl::StatusOr<int> ChooseLoopbackPort() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int port = ports(random);
    if (LoopbackPortIsFree(port) && Reserve(port)) return port;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("no free port on 127.0.0.1 between ", kFirstPort, " and ", kLastPort));
}

}  // namespace auth::dev
