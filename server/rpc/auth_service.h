#pragma once

#include "auth/v1/auth_service.grpc.pb.h"
#include "server/rpc/auth_calls.h"
#include "server/rpc/call_driver.h"
#include "server/rpc/unary_call.h"

namespace auth::rpc {

// auth.v1.AuthService over gRPC: hands each request, as AuthCalls prepares it, to CallDriver.
// Nothing blocks: these handlers run on gRPC's own few threads, which health checks share.
//
// Thread-safe. Owns nothing that it is given.
class AuthServiceImpl final : public v1::AuthService::CallbackService {
 public:
  AuthServiceImpl(const AuthCalls* prepare, const Clock* clock, CallDriver* calls)
      : prepare_(prepare), clock_(clock), calls_(calls) {}

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerUnaryReactor* SignIn(grpc::CallbackServerContext* context,
                                   const v1::SignInRequest* request,
                                   v1::SignInResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerUnaryReactor* ValidateSession(grpc::CallbackServerContext* context,
                                            const v1::ValidateSessionRequest* request,
                                            v1::ValidateSessionResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerUnaryReactor* SignOut(grpc::CallbackServerContext* context,
                                    const v1::SignOutRequest* request,
                                    v1::SignOutResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }
  grpc::ServerUnaryReactor* GetUser(grpc::CallbackServerContext* context,
                                    const v1::GetUserRequest* request,
                                    v1::GetUserResponse* response) override {
    return StartUnary(*prepare_, *clock_, calls_, context, request, response);
  }

 private:
  const AuthCalls* const prepare_;
  const Clock* const clock_;
  CallDriver* const calls_;
};

}  // namespace auth::rpc
