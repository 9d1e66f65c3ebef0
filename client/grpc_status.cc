#include "client/grpc_status.h"

#include "absl/strings/cord.h"
#include "client/errors.h"
#include "client/trace_context.h"
#include "google/rpc/status.pb.h"

namespace auth::client {

absl::Status FromGrpcStatus(const grpc::Status& status, const std::string& trace_id) {
  if (status.ok()) return absl::OkStatus();
  // The codes of gRPC and of Abseil are the same numbers, by design of both.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (!trace_id.empty()) result.SetPayload(kTraceIdPayload, absl::Cord(trace_id));
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  for (const google::protobuf::Any& detail : details.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

std::string AddTraceparent(const std::string& traceparent, grpc::ClientContext* context) {
  std::string trace_id = TraceIdOf(traceparent);
  if (!trace_id.empty()) {
    context->AddMetadata(kTraceparentKey, traceparent);
    return trace_id;
  }
  const std::string fresh = NewTraceparent();
  context->AddMetadata(kTraceparentKey, fresh);
  return TraceIdOf(fresh);
}

}  // namespace auth::client
