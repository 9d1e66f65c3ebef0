#pragma once

#include <grpcpp/health_check_service_interface.h>

namespace auth::rpc {

// What grpc.health.v1.Health answers. A service has three names:
// - "" is the process: SERVING until it shuts down, so a liveness probe never restarts a server
//   because the database is away;
// - `auth.v1.AuthService`: whether this process can work (migrated, not draining);
// - `database`: whether the database answers, which all replicas share.
//
// Thread-safe. Does not own the health service, which belongs to the grpc::Server.
class HealthReporter {
 public:
  // Not ready and no database, until told otherwise: an unset name would answer NOT_FOUND.
  explicit HealthReporter(grpc::HealthCheckServiceInterface* service);

  void SetReady();
  void SetDatabase(bool available);

  // NOT_SERVING for every name, for good: what is set later has no effect.
  void Shutdown();

 private:
  grpc::HealthCheckServiceInterface* const service_;
};

}  // namespace auth::rpc
