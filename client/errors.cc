#include "client/errors.h"

#include <string_view>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace auth::client {
namespace {

constexpr std::string_view kErrorDomain = "auth.v1";

// The payload of a google.rpc message; nullopt if there is none or it is not readable.
template <typename Detail>
std::optional<Detail> DetailOf(const absl::Status& status) {
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const std::optional<google::rpc::ErrorInfo> info = DetailOf<google::rpc::ErrorInfo>(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info.has_value() && info->domain() == kErrorDomain) {
    v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", info->reason()), &reason);
  }
  return reason;
}

std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status) {
  const std::optional<google::rpc::BadRequest> details = DetailOf<google::rpc::BadRequest>(status);
  std::vector<FieldViolation> violations;
  if (!details.has_value()) return violations;
  for (const google::rpc::BadRequest::FieldViolation& detail : details->field_violations()) {
    FieldViolation violation;
    violation.field = detail.field();
    v1::FieldViolationReason_Parse(absl::StrCat("FIELD_VIOLATION_REASON_", detail.reason()),
                                   &violation.reason);
    violation.description = detail.description();
    violations.push_back(std::move(violation));
  }
  return violations;
}

std::optional<std::chrono::nanoseconds> RetryAfterOf(const absl::Status& status) {
  const std::optional<google::rpc::RetryInfo> info = DetailOf<google::rpc::RetryInfo>(status);
  if (!info.has_value() || !info->has_retry_delay()) return std::nullopt;
  return std::chrono::seconds(info->retry_delay().seconds()) +
         std::chrono::nanoseconds(info->retry_delay().nanos());
}

std::string TraceIdOf(const absl::Status& status) {
  const auto trace_id = status.GetPayload(kTraceIdPayload);
  return trace_id.has_value() ? std::string(*trace_id) : "";
}

}  // namespace auth::client
