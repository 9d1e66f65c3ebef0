#include "server/rpc/status_mapping.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "server/account/errors.h"
#include "server/rpc/message_conversion.h"

namespace auth::rpc {
namespace {

using account::ErrorDetails;
using account::Reason;

constexpr char kDomain[] = "auth.v1";

std::string Message(const absl::Status& status, Reason reason, std::string_view request_id) {
  if (reason != Reason::kInternal) return std::string(status.message());
  // The message of an unforeseen status may hold anything.
  return absl::StrCat("internal error; request id ",
                      absl::string_view(request_id.data(), request_id.size()));
}

void AddDetails(const ErrorDetails& details, google::rpc::Status* status) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(Name(details.reason)));
  info.set_domain(kDomain);
  status->add_details()->PackFrom(info);

  if (!details.violations.empty()) {
    google::rpc::BadRequest bad_request;
    for (const account::FieldViolation& violation : details.violations) {
      auto* field = bad_request.add_field_violations();
      field->set_field(violation.field);
      field->set_description(violation.description);
      field->set_reason(std::string(Name(violation.violation)));
    }
    status->add_details()->PackFrom(bad_request);
  }
  if (details.retry_after.has_value()) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = ToProto(*details.retry_after);
    status->add_details()->PackFrom(retry);
  }
}

}  // namespace

google::rpc::Status ToRichStatus(const absl::Status& status, std::string_view request_id) {
  google::rpc::Status rich;
  if (status.ok()) return rich;
  const ErrorDetails details = account::GetErrorDetails(status);
  const absl::StatusCode code =
      details.reason == Reason::kInternal ? absl::StatusCode::kInternal : status.code();

  rich.set_code(static_cast<int>(code));
  rich.set_message(Message(status, details.reason, request_id));
  if (details.reason != Reason::kCancelled) AddDetails(details, &rich);
  return rich;
}

grpc::Status ToGrpcStatus(const absl::Status& status, std::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status rich = ToRichStatus(status, request_id);
  return grpc::Status(static_cast<grpc::StatusCode>(rich.code()), rich.message(),
                      rich.SerializeAsString());
}

std::optional<std::string> RetryPushback(const absl::Status& status) {
  const ErrorDetails details = account::GetErrorDetails(status);
  if (details.reason != Reason::kRateLimited || !details.retry_after.has_value()) {
    return std::nullopt;
  }
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*details.retry_after).count());
}

}  // namespace auth::rpc
