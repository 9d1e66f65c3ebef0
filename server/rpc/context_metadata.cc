#include "server/rpc/context_metadata.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/ops/trace_context.h"
#include "server/rpc/call_metadata.h"

namespace auth::rpc {
namespace {

std::string_view Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  if (found == all.end()) return {};
  return {found->second.data(), found->second.size()};
}

// The name in the certificate by which the caller has shown who he is; empty without one.
std::string Caller(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context();
  if (shown == nullptr) return "";
  const std::vector<grpc::string_ref> names = shown->GetPeerIdentity();
  return names.empty() ? "" : std::string(names.front().data(), names.front().size());
}

}  // namespace

void FillFromMetadata(const grpc::CallbackServerContext& context, const Clock& clock,
                      CallInfo* info) {
  info->peer = context.peer();
  info->caller = Caller(context);
  info->authorization = Metadata(context, kAuthorizationKey);
  info->request_id = RequestIdOr(Metadata(context, kRequestIdKey), clock);
  info->trace = ops::ParseTraceParent(Metadata(context, kTraceParentKey));
}

}  // namespace auth::rpc
