#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/config.h"
#include "server/ops/logger.h"

namespace auth::server {

struct Parts;

// The composition root: builds every part of the service from a Config, runs them, and takes them
// down in order.
//
// Not thread-safe. `clock` and `logger` must outlive it.
class Application {
 public:
  // Builds everything and listens; the database is connected to in the background. The caller must
  // have blocked SIGINT and SIGTERM, so that every thread made here leaves them to Run.
  //   INVALID_ARGUMENT, FAILED_PRECONDITION  the configuration is wrong: exit code 2
  //   anything else                          exit code 1
  static absl::StatusOr<std::unique_ptr<Application>> Start(const Config& config,
                                                            const Clock* clock,
                                                            ops::Logger* logger);
  ~Application();

  // Migrates the database and exits; for `--migrate only`.
  absl::Status Migrate();

  // Serves until SIGINT or SIGTERM, or until the database turns out to be misconfigured; drains,
  // and answers OK or what went wrong. A second signal skips the drain delay.
  absl::Status Run();

 private:
  explicit Application(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// 0 for OK, 2 for INVALID_ARGUMENT and FAILED_PRECONDITION (configuration), else 1.
int ExitCode(const absl::Status& status);

}  // namespace auth::server
