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
  checker_.Record({.operation = OperationOf(attempt.request.request_id()),
                   .email_key = attempt.request.email(),
                   .request_id = attempt.request.request_id(),
                   .outcome = OutcomeOf(attempt.status),
                   .user_id = attempt.response.user().id(),
                   .session_id = attempt.response.session().id()});
}

void History::RecordSignOut(const std::string& session_id, const grpc::Status& status) {
  if (status.ok()) {
    checker_.RecordSignOut(session_id);
  } else if (OutcomeOf(status) == RegisterOutcome::kUnknown) {
    checker_.RecordSignOutInDoubt(session_id);
  }
}

int64_t History::OperationOf(const std::string& request_id) {
  MutexLock lock(&mutex_);
  if (request_id.empty()) return ++last_operation_;
  const auto [operation, is_new] = operations_.emplace(request_id, last_operation_ + 1);
  if (is_new) ++last_operation_;
  return operation->second;
}

int64_t History::operations() const {
  MutexLock lock(&mutex_);
  return last_operation_;
}

std::string History::Check(const std::string& url) const {
  SqlConnection database(url);
  return absl::StrJoin(checker_.Check(database), "\n");
}

}  // namespace auth::testing
