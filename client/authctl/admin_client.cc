#include "client/authctl/admin_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <utility>

#include "client/grpc_status.h"

namespace auth::authctl {
namespace {

using Stub = v1::AdminService::Stub;

template <typename Request, typename Response>
absl::StatusOr<Response> Call(Stub* stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const std::string& token, const client::CallOptions& options) {
  grpc::ClientContext context;
  const std::string trace_id = client::AddTraceparent(options.traceparent, &context);
  AddServiceToken(token, &context);
  context.set_deadline(std::chrono::system_clock::now() + options.timeout.value());
  Response response;
  const grpc::Status status = (stub->*method)(&context, Request(), &response);
  if (!status.ok()) return client::FromGrpcStatus(status, trace_id);
  return response;
}

}  // namespace

AdminClient::AdminClient(const std::shared_ptr<grpc::Channel>& channel, std::string token)
    : stub_(v1::AdminService::NewStub(channel)), token_(std::move(token)) {}

absl::StatusOr<v1::PoolStatus> AdminClient::GetPoolStatus(
    const client::CallOptions& options) const {
  absl::StatusOr<v1::GetPoolStatusResponse> response =
      Call(stub_.get(), &Stub::GetPoolStatus, token_, options);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_status());
}

absl::StatusOr<v1::RecreatePoolResponse> AdminClient::RecreatePool(
    const client::CallOptions& options) const {
  return Call(stub_.get(), &Stub::RecreatePool, token_, options);
}

void AddServiceToken(const std::string& token, grpc::ClientContext* context) {
  context->AddMetadata("authorization", "Bearer " + token);
}

}  // namespace auth::authctl
