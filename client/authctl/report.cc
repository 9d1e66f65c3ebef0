#include "client/authctl/report.h"

#include <google/protobuf/util/time_util.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/authctl/display_width.h"
#include "client/authctl/failure_text.h"
#include "client/authctl/json.h"
#include "client/authctl/pool_text.h"
#include "client/authctl/reason_name.h"
#include "client/authctl/secret.h"
#include "client/authctl/table.h"
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
  Table table({Align::kLeft, Align::kLeft});
  const auto row = [&](const std::string& name, const std::string& value) {
    table.Add({style_(Ink::kDim, name + ":"), Printable(value)});
  };
  row("user", user.id());
  row("session", session.id());
  row("expires", ToSeconds(session.expires()));
  if (!session.session_token().empty()) row("token", session.session_token());
  out_ << headline << " " << style_(Ink::kBold, Printable(user.email())) << "\n" << table.Text();
  return kOk;
}

ExitCode Report::SignedOut() {
  out_ << (line_.json ? "{}" : "Signed out") << "\n";
  return kOk;
}

ExitCode Report::Health(const std::string& status) {
  const bool serving = status == "SERVING";
  if (line_.json) {
    out_ << "{\"service\":" << JsonString(line_.service) << ",\"status\":" << JsonString(status)
         << "}\n";
  } else {
    out_ << (line_.service.empty() ? "the process" : line_.service) << ": "
         << style_(serving ? Ink::kGood : Ink::kBad, status) << "\n";
  }
  return serving ? kOk : kRefused;
}

ExitCode Report::Pool(const v1::PoolStatus& status) {
  out_ << (line_.json ? ToJson(status) + "\n" : PoolText(status, nullptr, style_));
  return kOk;
}

ExitCode Report::Recreated(const v1::RecreatePoolResponse& response) {
  if (line_.json) {
    out_ << ToJson(response) << "\n";
  } else {
    out_ << "Recreated the pool: generation " << response.generation() << "\n";
  }
  return kOk;
}

ExitCode Report::Document(const std::string& text) {
  out_ << text;
  return kOk;
}

ExitCode Report::Failure(const absl::Status& failure, const std::string& request_id) {
  const std::string repeat_with = OutcomeIsOpen(failure) ? request_id : "";
  const FailureText text =
      ExplainFailure(failure, line_, OriginOfToken(line_.secret, kServiceToken));
  if (line_.json) {
    out_ << ToJson(failure, {.request_id = repeat_with, .hint = text.hint}) << "\n";
    return ExitCodeOf(failure);
  }
  err_ << "authctl: " << text.what << "\n";
  for (const client::FieldViolation& violation : client::FieldViolationsOf(failure)) {
    const std::string name = ReasonName(violation.reason);
    err_ << "  " << Printable(violation.field) << ": " << Printable(violation.description)
         << (name.empty() ? "" : absl::StrCat(" [", name, "]")) << "\n";
  }
  if (!text.hint.empty()) err_ << text.hint << "\n";
  if (const auto retry_after = client::RetryAfterOf(failure)) {
    err_ << "Try again in " << absl::FormatDuration(absl::FromChrono(*retry_after)) << ".\n";
  }
  if (!repeat_with.empty()) {
    err_ << "To repeat it so that no second user can result, add --request-id " << repeat_with
         << "\n";
  }
  if (const std::string id = client::TraceIdOf(failure); text.sent && !id.empty()) {
    err_ << "In the server's log: trace " << id << "\n";
  }
  return ExitCodeOf(failure);
}

ExitCode Report::UsageError(const absl::Status& error) {
  if (line_.json) {
    out_ << ToJson(error, FailureNotes()) << "\n";
  } else {
    err_ << "authctl: " << std::string(error.message()) << "\n";
  }
  return kUsage;
}

}  // namespace auth::authctl
