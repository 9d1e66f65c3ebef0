#include "client/authctl/report.h"

#include <google/protobuf/util/time_util.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/authctl/json.h"
#include "client/authctl/reason_name.h"
#include "client/errors.h"

namespace auth::authctl {
namespace {

std::string ToSeconds(google::protobuf::Timestamp time) {
  time.set_nanos(0);
  return google::protobuf::util::TimeUtil::ToString(time);
}

// Whether a registration that failed so may have been done all the same.
bool OutcomeIsOpen(const absl::Status& failure) {
  switch (client::ReasonOf(failure)) {
    case v1::ERROR_REASON_UNSPECIFIED:  // the answer is not the service's
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
    case v1::ERROR_REASON_OUTCOME_UNKNOWN:
      return ExitCodeOf(failure) == kUnavailable;
    default:
      return false;
  }
}

}  // namespace

ExitCode Report::Answer(const std::string& headline, const client::UserSession& user_session) {
  const auto& [user, session] = user_session;
  if (line_.json) {
    out_ << ToJson(user_session) << "\n";
    return kOk;
  }
  out_ << headline << " " << user.email() << "\n"
       << "user:     " << user.id() << "\n"
       << "session:  " << session.id() << "\n"
       << "expires:  " << ToSeconds(session.expires()) << "\n";
  if (!session.session_token().empty()) out_ << "token:    " << session.session_token() << "\n";
  return kOk;
}

ExitCode Report::SignedOut() {
  out_ << (line_.json ? "{}" : "Signed out") << "\n";
  return kOk;
}

ExitCode Report::Health(const std::string& status) {
  if (line_.json) {
    out_ << "{\"service\":" << JsonString(line_.service) << ",\"status\":" << JsonString(status)
         << "}\n";
  } else {
    out_ << (line_.service.empty() ? "the process" : line_.service) << ": " << status << "\n";
  }
  return status == "SERVING" ? kOk : kRefused;
}

ExitCode Report::Failure(const absl::Status& failure, const std::string& request_id) {
  const std::string repeat_with = OutcomeIsOpen(failure) ? request_id : "";
  if (line_.json) {
    out_ << ToJson(failure, repeat_with) << "\n";
  } else {
    ExplainFailure(failure);
    if (!repeat_with.empty()) {
      err_ << "To repeat it so that no second user can result, add --request-id " << repeat_with
           << "\n";
    }
  }
  return ExitCodeOf(failure);
}

ExitCode Report::UsageError(const absl::Status& error) {
  if (line_.json) {
    out_ << ToJson(error, "") << "\n";
  } else {
    err_ << "authctl: " << std::string(error.message()) << "\n";
  }
  return kUsage;
}

void Report::ExplainFailure(const absl::Status& failure) {
  const std::string reason = ReasonName(client::ReasonOf(failure));
  const std::string message(failure.message());
  const std::string& server = line_.channel.target;
  if (!reason.empty()) {
    err_ << "authctl: " << message << " [" << reason << "]\n";
  } else if (absl::IsUnavailable(failure)) {
    err_ << "authctl: server unreachable at " << server << ": " << message << "\n"
         << "Is auth_server running there? Another address: --server HOST:PORT. "
         << (line_.channel.tls.has_value() ? "Without TLS: leave the --tls options out.\n"
                                           : "A server with TLS: --tls or --tls-ca FILE.\n");
  } else if (absl::IsDeadlineExceeded(failure)) {
    err_ << "authctl: no answer from " << server << " within "
         << absl::FormatDuration(absl::FromChrono(line_.timeout))
         << "; try a longer --timeout, and `authctl health`\n";
  } else {
    err_ << "authctl: " << server << " answered " << absl::StatusCodeToString(failure.code())
         << (message.empty() ? "" : ": ") << message << "\n";
  }
  for (const client::FieldViolation& violation : client::FieldViolationsOf(failure)) {
    err_ << "  " << violation.field << ": " << violation.description;
    const std::string name = ReasonName(violation.reason);
    err_ << (name.empty() ? "" : absl::StrCat(" [", name, "]")) << "\n";
  }
  if (const auto retry_after = client::RetryAfterOf(failure)) {
    err_ << "Try again in " << absl::FormatDuration(absl::FromChrono(*retry_after)) << ".\n";
  }
}

}  // namespace auth::authctl
