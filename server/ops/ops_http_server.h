#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/ops/http_route.h"

namespace auth::ops {

// A small HTTP server for probes and scrapes: GET and HEAD on a fixed table of paths.
//
// Bounded in every direction: one event thread however many connections there are, connections in
// all and from one address, their memory, and their silence. Plain HTTP without authentication:
// bind it to loopback or to a network of operators.
//
// Unknown paths answer 404, other methods 405, bytes that are no HTTP 400 or nothing. The
// destructor waits for a running handler, closes all connections and joins its threads; what the
// handlers use must live until then.
//
//   absl::StatusOr<std::unique_ptr<OpsHttpServer>> server =
//       OpsHttpServer::Start({.host = "127.0.0.1", .port = 9090}, OpsRoutes(sources, &clock));
class OpsHttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  // 0 picks a free one
    // Probes must get through beside hundreds of silent connections, from the same machine too.
    int max_connections = 512;
    int max_connections_per_address = 384;
    // A connection that sends or takes nothing for so long is closed.
    std::chrono::seconds idle_timeout{5};
  };

  // Binds and serves at once. UNAVAILABLE, naming the address, if it cannot be bound.
  static absl::StatusOr<std::unique_ptr<OpsHttpServer>> Start(const Options& options,
                                                              std::vector<HttpRoute> routes);
  ~OpsHttpServer();

  std::uint16_t port() const;

 private:
  struct State;
  explicit OpsHttpServer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace auth::ops
