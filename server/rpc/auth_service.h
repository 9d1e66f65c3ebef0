#pragma once

#include <memory>

#include "auth/v1/auth_service.grpc.pb.h"
#include "server/account/account_services.h"
#include "server/rpc/call_driver.h"

namespace auth::rpc {

// auth.v1.AuthService: turns each request into an operation, hands it to CallDriver, and turns its
// result into the response. No rule lives here, and nothing blocks: these handlers run on gRPC's
// own few threads, which health checks share.
//
// Thread-safe. Owns nothing that it is given.
class AuthServiceImpl final : public v1::AuthService::CallbackService {
 public:
  AuthServiceImpl(const account::AccountServices* services, const Clock* clock, CallDriver* calls);

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) override;
  grpc::ServerUnaryReactor* SignIn(grpc::CallbackServerContext* context,
                                   const v1::SignInRequest* request,
                                   v1::SignInResponse* response) override;
  grpc::ServerUnaryReactor* ValidateSession(grpc::CallbackServerContext* context,
                                            const v1::ValidateSessionRequest* request,
                                            v1::ValidateSessionResponse* response) override;
  grpc::ServerUnaryReactor* SignOut(grpc::CallbackServerContext* context,
                                    const v1::SignOutRequest* request,
                                    v1::SignOutResponse* response) override;
  grpc::ServerUnaryReactor* GetUser(grpc::CallbackServerContext* context,
                                    const v1::GetUserRequest* request,
                                    v1::GetUserResponse* response) override;

 private:
  // `operation` is any account::Operation whose result() has a Write to `response`.
  template <typename Operation, typename Response>
  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, CallInfo info,
                                  std::unique_ptr<Operation> operation, Response* response);

  const account::AccountServices* const services_;
  const Clock* const clock_;
  CallDriver* const calls_;
};

}  // namespace auth::rpc
