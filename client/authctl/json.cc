#include "client/authctl/json.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/authctl/reason_name.h"
#include "client/errors.h"

namespace auth::authctl {
namespace {

using google::protobuf::util::TimeUtil;

std::string Member(const char* name, const std::string& value) {
  return absl::StrCat("\"", name, "\":", value);
}

std::string Object(const std::vector<std::string>& members) {
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

std::string Time(bool present, const google::protobuf::Timestamp& time) {
  return present ? JsonString(TimeUtil::ToString(time)) : "null";
}

std::string UserJson(const v1::User& user) {
  return Object({Member("id", JsonString(user.id())), Member("email", JsonString(user.email())),
                 Member("emailVerified", Time(user.has_email_verified(), user.email_verified())),
                 Member("createdAt", Time(user.has_created_at(), user.created_at())),
                 Member("updatedAt", Time(user.has_updated_at(), user.updated_at()))});
}

std::string SessionJson(const v1::Session& session) {
  std::vector<std::string> members = {
      Member("id", JsonString(session.id())), Member("userId", JsonString(session.user_id())),
      Member("expires", Time(session.has_expires(), session.expires()))};
  if (!session.session_token().empty()) {
    members.push_back(Member("sessionToken", JsonString(session.session_token())));
  }
  return Object(members);
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&json, "\\u%04x", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + "\"";
}

std::string ToJson(const client::UserSession& user_session) {
  return Object({Member("user", UserJson(user_session.user)),
                 Member("session", SessionJson(user_session.session))});
}

std::string ToJson(const absl::Status& failure, const FailureNotes& notes) {
  std::vector<std::string> members = {
      Member("code", JsonString(absl::StatusCodeToString(failure.code())))};
  if (const std::string reason = ReasonName(client::ReasonOf(failure)); !reason.empty()) {
    members.push_back(Member("reason", JsonString(reason)));
  }
  members.push_back(Member("message", JsonString(std::string(failure.message()))));
  std::vector<std::string> violations;
  for (const client::FieldViolation& violation : client::FieldViolationsOf(failure)) {
    violations.push_back(Object({Member("field", JsonString(violation.field)),
                                 Member("reason", JsonString(ReasonName(violation.reason))),
                                 Member("description", JsonString(violation.description))}));
  }
  if (!violations.empty()) {
    members.push_back(
        Member("fieldViolations", absl::StrCat("[", absl::StrJoin(violations, ","), "]")));
  }
  if (const auto retry_after = client::RetryAfterOf(failure)) {
    members.push_back(Member(
        "retryAfter",
        JsonString(TimeUtil::ToString(TimeUtil::NanosecondsToDuration(retry_after->count())))));
  }
  const auto add_unless_empty = [&members](const char* name, const std::string& value) {
    if (!value.empty()) members.push_back(Member(name, JsonString(value)));
  };
  add_unless_empty("requestId", notes.request_id);
  add_unless_empty("hint", notes.hint);
  add_unless_empty("traceId", client::TraceIdOf(failure));
  return Object({Member("error", Object(members))});
}

std::string ToJson(const google::protobuf::Message& message) {
  std::string json;
  // Fails for what is no valid message only, which nobody can have sent.
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) return "{}";
  return json;
}

}  // namespace auth::authctl
