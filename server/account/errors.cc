#include "server/account/errors.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

namespace auth::account {
namespace {

constexpr absl::string_view kPayloadUrl = "auth.v1/error_details";
constexpr absl::string_view kCauseUrl = "auth.v1/cause";

struct ReasonRow {
  Reason reason;
  std::string_view name;
  absl::StatusCode code;
  std::string_view message;
};

// In the order of the enum.
constexpr ReasonRow kReasons[] = {
    {Reason::kInvalidFields, "INVALID_FIELDS", absl::StatusCode::kInvalidArgument,
     "Some fields are not valid: correct every field that the details name."},
    {Reason::kEmailAlreadyRegistered, "EMAIL_ALREADY_REGISTERED", absl::StatusCode::kAlreadyExists,
     "This e-mail address is already registered: sign in, or use another address."},
    {Reason::kRequestIdConflict, "REQUEST_ID_CONFLICT", absl::StatusCode::kInvalidArgument,
     "This request_id belongs to another registration: make a new one for each registration."},
    {Reason::kInvalidCredentials, "INVALID_CREDENTIALS", absl::StatusCode::kUnauthenticated,
     "The e-mail address or the password is wrong: check both."},
    {Reason::kSessionInvalid, "SESSION_INVALID", absl::StatusCode::kUnauthenticated,
     "The session is unknown or has ended: sign in again."},
    {Reason::kRateLimited, "RATE_LIMITED", absl::StatusCode::kResourceExhausted,
     "Too many attempts on this account: wait before the next one."},
    {Reason::kOverloaded, "OVERLOADED", absl::StatusCode::kResourceExhausted,
     "The server has more work than it can do in time; nothing was stored: try again later."},
    {Reason::kDatabaseUnavailable, "DATABASE_UNAVAILABLE", absl::StatusCode::kUnavailable,
     "The database cannot be used just now: try again."},
    {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN", absl::StatusCode::kUnknown,
     "It is not known whether the call took effect: look before you repeat it."},
    {Reason::kDeadlineExceeded, "DEADLINE_EXCEEDED", absl::StatusCode::kDeadlineExceeded,
     "The deadline passed before the call was done: allow more time."},
    {Reason::kCancelled, "CANCELLED", absl::StatusCode::kCancelled, "The caller has gone."},
    {Reason::kShuttingDown, "SHUTTING_DOWN", absl::StatusCode::kUnavailable,
     "The server is shutting down: try again at another one."},
    {Reason::kInternal, "INTERNAL", absl::StatusCode::kInternal,
     "Internal error: report the request's id to the operator."},
    {Reason::kCallerNotAllowed, "CALLER_NOT_ALLOWED", absl::StatusCode::kUnauthenticated,
     "This call needs a service token that the server knows: send one in the metadata "
     "`authorization: Bearer ...`."},
};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kReasons); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return std::size(kReasons) == static_cast<size_t>(Reason::kCallerNotAllowed) + 1;
}
static_assert(RowsAreInOrder());

const ReasonRow& Row(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }

// The payload is one line of "reason retry-nanoseconds-or-minus", then one of
// "violation field description" for each violation.
absl::Cord Encode(const ErrorDetails& details) {
  std::string text =
      absl::StrCat(static_cast<int>(details.reason), " ",
                   details.retry_after ? absl::StrCat(details.retry_after->count()) : "-");
  for (const FieldViolation& violation : details.violations) {
    absl::StrAppend(&text, "\n", static_cast<int>(violation.violation), " ", violation.field, " ",
                    violation.description);
  }
  return absl::Cord(text);
}

ErrorDetails Decode(const absl::Cord& payload) {
  const std::string text(payload);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const std::pair<std::string, std::string> head = absl::StrSplit(lines[0], ' ');
  ErrorDetails details;
  int reason = 0;
  if (!absl::SimpleAtoi(head.first, &reason)) return {};
  details.reason = static_cast<Reason>(reason);
  int64_t nanoseconds = 0;
  if (absl::SimpleAtoi(head.second, &nanoseconds)) details.retry_after = Duration(nanoseconds);
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> words = absl::StrSplit(lines[i], absl::MaxSplits(' ', 2));
    int violation = 0;
    if (words.size() != 3 || !absl::SimpleAtoi(words[0], &violation)) return {};
    details.violations.push_back({words[1], static_cast<Violation>(violation), words[2]});
  }
  return details;
}

absl::Status WithDetails(absl::StatusCode code, std::string_view message,
                         const ErrorDetails& details) {
  absl::Status status(code, {message.data(), message.size()});
  status.SetPayload(kPayloadUrl, Encode(details));
  return status;
}

}  // namespace

std::string_view Name(Reason reason) { return Row(reason).name; }

std::string_view Name(Violation violation) {
  switch (violation) {
    case Violation::kEmailMalformed:
      return "EMAIL_MALFORMED";
    case Violation::kEmailTooLong:
      return "EMAIL_TOO_LONG";
    case Violation::kPasswordTooShort:
      return "PASSWORD_TOO_SHORT";
    case Violation::kPasswordTooLong:
      return "PASSWORD_TOO_LONG";
    case Violation::kPasswordTooCommon:
      return "PASSWORD_TOO_COMMON";
    case Violation::kPasswordMalformed:
      return "PASSWORD_MALFORMED";
    case Violation::kRequestIdMalformed:
      return "REQUEST_ID_MALFORMED";
    case Violation::kRequired:
      return "REQUIRED";
    case Violation::kOutOfRange:
      return "OUT_OF_RANGE";
  }
  return "UNSPECIFIED";
}

absl::Status MakeError(Reason reason, std::optional<Duration> retry_after) {
  const ReasonRow& row = Row(reason);
  return WithDetails(row.code, row.message, {reason, {}, retry_after});
}

absl::Status InvalidFields(std::vector<FieldViolation> violations) {
  const ReasonRow& row = Row(Reason::kInvalidFields);
  return WithDetails(row.code, row.message,
                     {Reason::kInvalidFields, std::move(violations), std::nullopt});
}

absl::Status Malformed(absl::string_view message) {
  return WithDetails(Row(Reason::kInvalidFields).code, {message.data(), message.size()},
                     {Reason::kInvalidFields, {}, std::nullopt});
}

absl::Status NotPermitted() {
  return WithDetails(absl::StatusCode::kPermissionDenied,
                     "The role of this service token may not make this call.",
                     {Reason::kCallerNotAllowed, {}, std::nullopt});
}

absl::Status InternalBecause(absl::string_view cause) {
  absl::Status status = MakeError(Reason::kInternal);
  status.SetPayload(kCauseUrl, absl::Cord(cause));
  return status;
}

std::string InternalCause(const absl::Status& status) {
  const absl::optional<absl::Cord> cause = status.GetPayload(kCauseUrl);
  return cause ? std::string(*cause) : "";
}

absl::Status AsSafeToRepeat(const absl::Status& status) {
  const ErrorDetails details = GetErrorDetails(status);
  if (details.reason != Reason::kOutcomeUnknown) return status;
  return WithDetails(absl::StatusCode::kUnavailable,
                     "It is not known whether the call took effect: repeat it unchanged.", details);
}

ErrorDetails GetErrorDetails(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  return payload ? Decode(*payload) : ErrorDetails{};
}

}  // namespace auth::account
