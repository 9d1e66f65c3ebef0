#include "client/authctl/health_check.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <future>
#include <utility>

// For gRPC's traits of protobuf messages: the header that has them moves between versions.
#include "auth/v1/auth_service.grpc.pb.h"
#include "client/grpc_status.h"
#include "grpc/health/v1/health.pb.h"

namespace auth::authctl {

absl::StatusOr<std::string> CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                        const std::string& service,
                                        const client::CallOptions& options) {
  using grpc::health::v1::HealthCheckRequest;
  using grpc::health::v1::HealthCheckResponse;
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  grpc::ClientContext context;
  const std::string trace_id = client::AddTraceparent(options.traceparent, &context);
  context.set_deadline(std::chrono::system_clock::now() + options.timeout.value());
  grpc::TemplatedGenericStub<HealthCheckRequest, HealthCheckResponse> stub(channel);
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  if (!status.ok()) return client::FromGrpcStatus(status, trace_id);
  return HealthCheckResponse::ServingStatus_Name(response.status());
}

}  // namespace auth::authctl
