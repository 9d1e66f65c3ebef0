#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "pool/clock.h"

namespace auth::ops {

// Finds out whether a gRPC listener still takes new connections, by making one.
//
// A listener can die while the process looks well: gRPC 1.51 stops accepting for good after it ran
// out of file descriptors once (CVE-2023-4785). The kernel still completes connects until the
// backlog is full, so a connect proves nothing: the probe says hello and waits for the first byte.
//
// Thread-safe. `clock` must outlive it.
//
//   ListenerProbe probe({.host = "127.0.0.1", .port = port, .tls = config.tls()}, &clock);
//   absl::Status alive = probe.Check();
class ListenerProbe {
 public:
  struct Options {
    std::string host = "127.0.0.1";  // ListenAddress::DialHost()
    std::uint16_t port = 0;
    bool tls = false;
    // For connect and answer together. Kubernetes gives a probe one second by default.
    Duration timeout = std::chrono::milliseconds(800);
  };

  ListenerProbe(Options options, const Clock* clock);

  // Blocks until the first byte or the end of `timeout`. UNAVAILABLE says what failed.
  absl::Status Check() const;

 private:
  const Options options_;
  const Clock* const clock_;
  const std::string hello_;
};

}  // namespace auth::ops
