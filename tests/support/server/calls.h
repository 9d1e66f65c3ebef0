#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>

#include "auth/v1/auth_service.grpc.pb.h"

namespace auth::testing {

// The plain generated stub, with gRPC's retries off: it sees every failure. On a channel of its
// own, which is connected already if somebody listens.
std::unique_ptr<v1::AuthService::Stub> NewPlainStub(const std::string& address);

// A password that every policy takes.
inline constexpr char kGoodPassword[] = "correct horse battery staple";

// A random UUID.
std::string NewRequestId(std::mt19937_64* random);

// One Register call as its caller saw it.
struct RegisterAttempt {
  v1::RegisterRequest request;
  grpc::Status status;
  v1::RegisterResponse response;
};

// Calls Register with `timeout` and waits for the answer.
RegisterAttempt Register(v1::AuthService::Stub* stub, const std::string& email,
                         const std::string& request_id, std::chrono::milliseconds timeout);

// Calls ValidateSession with `timeout` and waits for the answer.
grpc::Status Validate(v1::AuthService::Stub* stub, const std::string& session_token,
                      std::chrono::milliseconds timeout);
// Calls SignOut with `timeout` and waits for the answer.
grpc::Status SignOut(v1::AuthService::Stub* stub, const std::string& session_token,
                     std::chrono::milliseconds timeout);

// The reason in a status's google.rpc.ErrorInfo, e.g. "EMAIL_ALREADY_REGISTERED"; empty if none.
std::string ReasonOf(const grpc::Status& status);
// The delay in its google.rpc.RetryInfo; zero if none.
std::chrono::milliseconds RetryDelayOf(const grpc::Status& status);

}  // namespace auth::testing
