#include "server/rpc/unary_call.h"

#include <grpcpp/server_context.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "server/account/uuid.h"
#include "server/rpc/call_metadata.h"
#include "server/rpc/status_mapping.h"

namespace auth::rpc {
namespace {

std::string_view Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  if (found == all.end()) return {};
  return {found->second.data(), found->second.size()};
}

std::string RequestId(const grpc::CallbackServerContext& context, const Clock& clock) {
  const std::string_view id = Metadata(context, kRequestIdKey);
  return IsSaneRequestId(id) ? std::string(id) : account::Uuid::NewV7(clock.Now()).ToString();
}

// The name in the certificate by which the caller has shown who he is; empty without one.
std::string Caller(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context();
  if (shown == nullptr) return "";
  const std::vector<grpc::string_ref> names = shown->GetPeerIdentity();
  return names.empty() ? "" : std::string(names.front().data(), names.front().size());
}

}  // namespace

grpc::ServerUnaryReactor* UnaryCall::Start(CallDriver* driver, const Clock& clock,
                                           grpc::CallbackServerContext* context, CallInfo info,
                                           std::unique_ptr<account::Operation> operation,
                                           std::function<absl::Status()> write_result) {
  info.peer = context->peer();
  info.caller = Caller(*context);
  info.request_id = RequestId(*context, clock);
  info.trace_id = TraceIdOf(Metadata(*context, kTraceParentKey));
  if (context->deadline() != WallTime::max()) info.client_deadline = context->deadline();

  auto* call = new UnaryCall(context, info.request_id, std::move(write_result));
  // It may be answered before Start returns, but gRPC neither cancels it nor is done with it before
  // the handler, which calls us, has returned it.
  call->handle_ = driver->Start(std::move(info), std::move(operation), call);
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
