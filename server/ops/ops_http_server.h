#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/ops/http_route.h"
#include "server/ops/http_server.h"

namespace auth::ops {

// The HTTP server of probes, scrapes and the dashboard: GET and HEAD on a fixed table of paths,
// without authentication. Unknown paths answer 404 and list the known ones.
//
// Thread-safe. The destructor waits for running handlers; what they use must live until then.
//
//   absl::StatusOr<std::unique_ptr<OpsHttpServer>> server =
//       OpsHttpServer::Start({.host = "127.0.0.1", .port = 9090}, OpsRoutes(sources, &clock),
//       &clock);
class OpsHttpServer {
 public:
  // Binds and serves at once; fails as HttpServer::Start does.
  static absl::StatusOr<std::unique_ptr<OpsHttpServer>> Start(const HttpServer::Options& options,
                                                              std::vector<HttpRoute> routes,
                                                              const Clock* clock);
  ~OpsHttpServer();

  std::uint16_t port() const { return server_->port(); }

 private:
  struct Routes;
  explicit OpsHttpServer(std::unique_ptr<Routes> routes);

  const std::unique_ptr<Routes> routes_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace auth::ops
