#include "server/rpc/health_reporter.h"

#include "grpc/health/v1/health.pb.h"

namespace auth::rpc {
namespace {

constexpr char kAuthService[] = "auth.v1.AuthService";
constexpr char kDatabase[] = "database";

}  // namespace

HealthReporter::HealthReporter(grpc::HealthCheckServiceInterface* service) : service_(service) {
  // Reflection needs the descriptor, which a linker would drop as unused.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  SetReady(false);
  SetDatabase(false);
}

void HealthReporter::SetReady(bool ready) { service_->SetServingStatus(kAuthService, ready); }

void HealthReporter::SetDatabase(bool available) {
  service_->SetServingStatus(kDatabase, available);
}

void HealthReporter::Shutdown() { service_->Shutdown(); }

}  // namespace auth::rpc
