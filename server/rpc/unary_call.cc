#include "server/rpc/unary_call.h"

#include <grpcpp/server_context.h>

#include <optional>
#include <utility>

#include "server/rpc/call_metadata.h"
#include "server/rpc/context_metadata.h"
#include "server/rpc/status_mapping.h"

namespace auth::rpc {
grpc::ServerUnaryReactor* UnaryCall::Start(CallDriver* driver, const Clock& clock,
                                           grpc::CallbackServerContext* context,
                                           PreparedCall prepared) {
  CallInfo& info = prepared.info;
  FillFromMetadata(*context, clock, &info);
  if (context->deadline() != WallTime::max()) info.client_deadline = context->deadline();

  auto* call = new UnaryCall(context, info.request_id, std::move(prepared.write_result));
  // It may be answered before Start returns, but gRPC neither cancels it nor is done with it before
  // the handler, which calls us, has returned it.
  call->handle_ = driver->Start(std::move(info), std::move(prepared.operation), call);
  return call;
}

UnaryCall::UnaryCall(grpc::CallbackServerContext* context, std::string request_id,
                     std::function<absl::Status()> write_result)
    : context_(context),
      request_id_(std::move(request_id)),
      write_result_(std::move(write_result)) {}

void UnaryCall::Finish(const absl::Status& status) {
  if (const std::optional<std::string> pushback = RetryPushback(status)) {
    context_->AddTrailingMetadata(kRetryPushbackKey, *pushback);
  }
  grpc::ServerUnaryReactor::Finish(ToGrpcStatus(status, request_id_));
}

}  // namespace auth::rpc
