#include "server/rpc/auth_calls.h"

#include <memory>
#include <string_view>
#include <utility>

#include "server/account/errors.h"
#include "server/account/register_user.h"
#include "server/account/secret.h"
#include "server/account/sessions.h"
#include "server/account/sign_in.h"
#include "server/rpc/message_conversion.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;
using account::Secret;

template <typename Result, typename Response>
absl::Status WriteOrStatus(const absl::StatusOr<Result>& result, Response* response) {
  if (result.ok()) Write(*result, response);
  return result.status();
}
// Of an operation that has nothing to tell but that it is done.
absl::Status WriteOrStatus(const absl::Status& result, v1::SignOutResponse*) { return result; }

// `operation` is any account::Operation whose result() has a Write to `response`.
template <typename Operation, typename Response>
PreparedCall Prepared(std::string_view rpc, std::string_view method,
                      std::unique_ptr<Operation> operation, Response* response) {
  PreparedCall call;
  call.info.rpc = rpc;
  call.info.method = method;
  call.write_result = [raw = operation.get(), response] {
    return WriteOrStatus(raw->result(), response);
  };
  call.operation = std::move(operation);
  return call;
}

}  // namespace

PreparedCall AuthCalls::Prepare(v1::RegisterRequest* request,
                                v1::RegisterResponse* response) const {
  auto operation = std::make_unique<account::RegisterUser>(
      services_,
      account::RegisterUser::Request{.email = request->email(),
                                     .password = Secret::TakeFrom(request->mutable_password()),
                                     .request_id = request->request_id()});
  PreparedCall call =
      Prepared("Register", "auth.v1.AuthService/Register", std::move(operation), response);
  call.info.outcome_unknown = MakeError(Reason::kOutcomeUnknown);
  // By the id a repeat finds what the first attempt has stored.
  if (!request->request_id().empty()) {
    call.info.outcome_unknown = account::AsSafeToRepeat(call.info.outcome_unknown);
  }
  return call;
}

PreparedCall AuthCalls::Prepare(v1::SignInRequest* request, v1::SignInResponse* response) const {
  auto operation = std::make_unique<account::SignIn>(
      services_,
      account::SignIn::Request{.email = request->email(),
                               .password = Secret::TakeFrom(request->mutable_password())});
  PreparedCall call =
      Prepared("SignIn", "auth.v1.AuthService/SignIn", std::move(operation), response);
  call.info.outcome_unknown = account::AsSafeToRepeat(MakeError(Reason::kOutcomeUnknown));
  return call;
}

PreparedCall AuthCalls::Prepare(v1::ValidateSessionRequest* request,
                                v1::ValidateSessionResponse* response) const {
  return Prepared("ValidateSession", "auth.v1.AuthService/ValidateSession",
                  std::make_unique<account::ValidateSession>(services_, request->session_token()),
                  response);
}

PreparedCall AuthCalls::Prepare(v1::SignOutRequest* request, v1::SignOutResponse* response) const {
  PreparedCall call =
      Prepared("SignOut", "auth.v1.AuthService/SignOut",
               std::make_unique<account::SignOut>(services_, request->session_token()), response);
  call.info.outcome_unknown = account::AsSafeToRepeat(MakeError(Reason::kOutcomeUnknown));
  return call;
}

PreparedCall AuthCalls::Prepare(v1::GetUserRequest* request, v1::GetUserResponse* response) const {
  return Prepared("GetUser", "auth.v1.AuthService/GetUser",
                  std::make_unique<account::GetUser>(services_, request->session_token()),
                  response);
}

}  // namespace auth::rpc
