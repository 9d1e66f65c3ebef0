#include "client/auth_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "auth/v1/auth_service.grpc.pb.h"
#include "client/grpc_status.h"
#include "client/request_id.h"
#include "client/service_config.h"

namespace auth::client {
namespace {

// No call works for longer; keeps "practically for ever" clear of the clock's overflow.
constexpr std::chrono::hours kMaxTimeout(24);

class GrpcAuthClient final : public AuthClient {
 public:
  GrpcAuthClient(const std::shared_ptr<grpc::Channel>& channel,
                 std::chrono::nanoseconds default_timeout)
      : stub_(v1::AuthService::NewStub(channel)), default_timeout_(default_timeout) {}

  absl::StatusOr<UserSession> Register(const std::string& email, const std::string& password,
                                       const RegisterOptions& options) override {
    v1::RegisterRequest request;
    request.set_email(email);
    request.set_password(password);
    request.set_request_id(options.request_id.empty() ? NewRequestId() : options.request_id);
    return ToUserSession(Call(&Stub::Register, request, options.timeout, options.traceparent));
  }

  absl::StatusOr<UserSession> SignIn(const std::string& email, const std::string& password,
                                     const CallOptions& options) override {
    v1::SignInRequest request;
    request.set_email(email);
    request.set_password(password);
    return ToUserSession(Call(&Stub::SignIn, request, options.timeout, options.traceparent));
  }

  absl::StatusOr<UserSession> ValidateSession(const std::string& session_token,
                                              const CallOptions& options) override {
    v1::ValidateSessionRequest request;
    request.set_session_token(session_token);
    return ToUserSession(
        Call(&Stub::ValidateSession, request, options.timeout, options.traceparent));
  }

  absl::Status SignOut(const std::string& session_token, const CallOptions& options) override {
    v1::SignOutRequest request;
    request.set_session_token(session_token);
    return Call(&Stub::SignOut, request, options.timeout, options.traceparent).status();
  }

  absl::StatusOr<v1::User> GetUser(const std::string& session_token,
                                   const CallOptions& options) override {
    v1::GetUserRequest request;
    request.set_session_token(session_token);
    absl::StatusOr<v1::GetUserResponse> response =
        Call(&Stub::GetUser, request, options.timeout, options.traceparent);
    if (!response.ok()) return response.status();
    return std::move(*response->mutable_user());
  }

 private:
  using Stub = v1::AuthService::StubInterface;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request,
                                std::optional<std::chrono::nanoseconds> timeout,
                                const std::string& traceparent) const {
    grpc::ClientContext context;
    const std::string trace_id = AddTraceparent(traceparent, &context);
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::min<std::chrono::nanoseconds>(timeout.value_or(default_timeout_), kMaxTimeout));
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, trace_id);
    return response;
  }

  template <typename Response>
  static absl::StatusOr<UserSession> ToUserSession(absl::StatusOr<Response> response) {
    if (!response.ok()) return response.status();
    return UserSession{.user = std::move(*response->mutable_user()),
                       .session = std::move(*response->mutable_session())};
  }

  const std::unique_ptr<Stub> stub_;
  const std::chrono::nanoseconds default_timeout_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AuthClient>> MakeAuthClient(const AuthClientOptions& options) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      MakeChannel(options.channel, ServiceConfigJson(RetryRegister::kYes));
  if (!channel.ok()) return channel.status();
  return std::make_unique<GrpcAuthClient>(*channel, options.default_timeout);
}

}  // namespace auth::client
