#include "tests/support/server/history.h"

#include "absl/strings/str_join.h"

namespace auth::testing {
namespace {

RegisterOutcome OutcomeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return RegisterOutcome::kOk;
    case grpc::StatusCode::ALREADY_EXISTS:
      return RegisterOutcome::kAlreadyExists;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return ReasonOf(status) == "REQUEST_ID_CONFLICT" ? RegisterOutcome::kRequestIdConflict
                                                       : RegisterOutcome::kNoTrace;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return RegisterOutcome::kNoTrace;
    default:
      return RegisterOutcome::kUnknown;
  }
}

}  // namespace

void History::Record(const RegisterAttempt& attempt) {
  checker_.Record({.operation = ++operations_,
                   .email_key = attempt.request.email(),
                   .request_id = attempt.request.request_id(),
                   .outcome = OutcomeOf(attempt.status),
                   .user_id = attempt.response.user().id(),
                   .session_id = attempt.response.session().id()});
}

std::string History::Check(const std::string& url) const {
  SqlConnection database(url);
  return absl::StrJoin(checker_.Check(database), "\n");
}

}  // namespace auth::testing
