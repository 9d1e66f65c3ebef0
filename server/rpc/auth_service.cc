#include "server/rpc/auth_service.h"

#include <functional>
#include <utility>

#include "server/account/errors.h"
#include "server/account/register_user.h"
#include "server/account/secret.h"
#include "server/account/sessions.h"
#include "server/account/sign_in.h"
#include "server/rpc/message_conversion.h"
#include "server/rpc/unary_call.h"

namespace auth::rpc {
namespace {

using account::MakeError;
using account::Reason;

CallInfo Info(std::string_view rpc) {
  CallInfo info;
  info.rpc = rpc;
  return info;
}

template <typename Result, typename Response>
absl::Status WriteOrStatus(const absl::StatusOr<Result>& result, Response* response) {
  if (result.ok()) Write(*result, response);
  return result.status();
}
// Of an operation that has nothing to tell but that it is done.
absl::Status WriteOrStatus(const absl::Status& result, v1::SignOutResponse*) { return result; }

// The password of a request, wiped from it: gRPC made the message for this call alone, and frees it
// without wiping.
template <typename Request>
account::Secret TakePassword(const Request* request) {
  return account::Secret::TakeFrom(const_cast<Request*>(request)->mutable_password());
}

}  // namespace

AuthServiceImpl::AuthServiceImpl(const account::AccountServices* services, const Clock* clock,
                                 CallDriver* calls)
    : services_(services), clock_(clock), calls_(calls) {}

template <typename Operation, typename Response>
grpc::ServerUnaryReactor* AuthServiceImpl::Start(grpc::CallbackServerContext* context,
                                                 CallInfo info,
                                                 std::unique_ptr<Operation> operation,
                                                 Response* response) {
  auto write_result = [raw = operation.get(), response] {
    return WriteOrStatus(raw->result(), response);
  };
  return UnaryCall::Start(calls_, *clock_, context, std::move(info), std::move(operation),
                          std::move(write_result));
}

grpc::ServerUnaryReactor* AuthServiceImpl::Register(grpc::CallbackServerContext* context,
                                                    const v1::RegisterRequest* request,
                                                    v1::RegisterResponse* response) {
  CallInfo info = Info("Register");
  info.outcome_unknown = MakeError(Reason::kOutcomeUnknown);
  // By the id a repeat finds what the first attempt has stored.
  if (!request->request_id().empty()) {
    info.outcome_unknown = account::AsSafeToRepeat(info.outcome_unknown);
  }
  auto operation = std::make_unique<account::RegisterUser>(
      services_, account::RegisterUser::Request{.email = request->email(),
                                                .password = TakePassword(request),
                                                .request_id = request->request_id()});
  return Start(context, std::move(info), std::move(operation), response);
}

grpc::ServerUnaryReactor* AuthServiceImpl::SignIn(grpc::CallbackServerContext* context,
                                                  const v1::SignInRequest* request,
                                                  v1::SignInResponse* response) {
  auto operation = std::make_unique<account::SignIn>(
      services_,
      account::SignIn::Request{.email = request->email(), .password = TakePassword(request)});
  return Start(context, Info("SignIn"), std::move(operation), response);
}

grpc::ServerUnaryReactor* AuthServiceImpl::ValidateSession(
    grpc::CallbackServerContext* context, const v1::ValidateSessionRequest* request,
    v1::ValidateSessionResponse* response) {
  auto operation = std::make_unique<account::ValidateSession>(services_, request->session_token());
  return Start(context, Info("ValidateSession"), std::move(operation), response);
}

grpc::ServerUnaryReactor* AuthServiceImpl::SignOut(grpc::CallbackServerContext* context,
                                                   const v1::SignOutRequest* request,
                                                   v1::SignOutResponse* response) {
  auto operation = std::make_unique<account::SignOut>(services_, request->session_token());
  return Start(context, Info("SignOut"), std::move(operation), response);
}

grpc::ServerUnaryReactor* AuthServiceImpl::GetUser(grpc::CallbackServerContext* context,
                                                   const v1::GetUserRequest* request,
                                                   v1::GetUserResponse* response) {
  auto operation = std::make_unique<account::GetUser>(services_, request->session_token());
  return Start(context, Info("GetUser"), std::move(operation), response);
}

}  // namespace auth::rpc
