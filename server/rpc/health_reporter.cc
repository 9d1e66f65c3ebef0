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
  service_->SetServingStatus(kAuthService, false);
  SetDatabase(false);
}

void HealthReporter::SetReady() { service_->SetServingStatus(kAuthService, true); }

void HealthReporter::SetDatabase(bool available) {
  service_->SetServingStatus(kDatabase, available);
}

void HealthReporter::Shutdown() { service_->Shutdown(); }

}  // namespace auth::rpc
