#pragma once

#include "auth/v1/auth_service.pb.h"
#include "server/account/account_services.h"
#include "server/rpc/prepared_call.h"

namespace auth::rpc {

// auth.v1.AuthService: turns each request into an operation, and its result into the response. No
// rule lives here, and nothing blocks.
//
// A password is taken from its request and wiped there. The response must live until the call is
// answered. Thread-safe; `services` must outlive it and every call.
class AuthCalls {
 public:
  explicit AuthCalls(const account::AccountServices* services) : services_(services) {}

  PreparedCall Prepare(v1::RegisterRequest* request, v1::RegisterResponse* response) const;
  PreparedCall Prepare(v1::SignInRequest* request, v1::SignInResponse* response) const;
  PreparedCall Prepare(v1::ValidateSessionRequest* request,
                       v1::ValidateSessionResponse* response) const;
  PreparedCall Prepare(v1::SignOutRequest* request, v1::SignOutResponse* response) const;
  PreparedCall Prepare(v1::GetUserRequest* request, v1::GetUserResponse* response) const;

 private:
  const account::AccountServices* const services_;
};

}  // namespace auth::rpc
