#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "pool/clock.h"

namespace auth::account {

// Why an operation failed. One to one with auth.v1.ErrorReason, but for kCancelled: whom nobody
// hears needs no reason. The gRPC code follows from it.
enum class Reason {
  kInvalidFields,
  kEmailAlreadyRegistered,
  kRequestIdConflict,
  kInvalidCredentials,
  kSessionInvalid,
  kRateLimited,
  kOverloaded,
  kDatabaseUnavailable,
  kOutcomeUnknown,
  kDeadlineExceeded,
  kCancelled,
  kShuttingDown,
  kInternal,
  kCallerNotAllowed,
};

// What is wrong with one field. One to one with auth.v1.FieldViolationReason.
enum class Violation {
  kEmailMalformed,
  kEmailTooLong,
  kPasswordTooShort,
  kPasswordTooLong,
  kPasswordTooCommon,
  kPasswordMalformed,
  kRequestIdMalformed,
  kRequired,
  kOutOfRange,
};

struct FieldViolation {
  std::string field;  // the proto field's name
  Violation violation;
  std::string description;  // one line: what to do about it; never repeats the value
};

// Everything a caller is told of a failure.
struct ErrorDetails {
  Reason reason = Reason::kInternal;
  std::vector<FieldViolation> violations;  // kInvalidFields only
  std::optional<Duration> retry_after;
};

// "EMAIL_ALREADY_REGISTERED", "PASSWORD_TOO_SHORT", …: the names on the wire. Bounded sets.
std::string_view Name(Reason reason);
std::string_view Name(Violation violation);

// A Status that carries the details as a payload. Code and message follow from the reason alone;
// the message is safe to show (no SQL, no driver text, no e-mail address).
absl::Status MakeError(Reason reason, std::optional<Duration> retry_after = std::nullopt);
absl::Status InvalidFields(std::vector<FieldViolation> violations);
// kInvalidFields for a request that cannot be read at all. `message` says what to do.
absl::Status Malformed(absl::string_view message);

// kCallerNotAllowed for a caller who is known and may not: PERMISSION_DENIED. (MakeError's is for
// whom nobody knows: UNAUTHENTICATED.)
absl::Status NotPermitted();

// kInternal, and why: for the log, never for a caller. `cause` must not repeat what a caller sent.
absl::Status InternalBecause(absl::string_view cause);
// The cause of a Status made by InternalBecause; empty for any other.
std::string InternalCause(const absl::Status& status);

// OUTCOME_UNKNOWN is UNKNOWN, because a repeat may do the work twice. For a call that may be
// repeated (it has a request_id, or a second effect is harmless) this makes it UNAVAILABLE, the
// code that means "safe to try again". Any other status stays as it is.
absl::Status AsSafeToRepeat(const absl::Status& status);

// The details of a Status made here; kInternal for any other.
ErrorDetails GetErrorDetails(const absl::Status& status);

}  // namespace auth::account
