#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "auth/v1/auth_service.grpc.pb.h"
#include "auth/v1/error_reason.pb.h"
#include "google/rpc/error_details.pb.h"

namespace auth::testing {

// What the fake server answers with: fixed, so that tests can name it.
inline constexpr char kUserId[] = "01890000-0000-7000-8000-000000000001";
inline constexpr char kSessionId[] = "01890000-0000-7000-8000-000000000002";
inline constexpr char kSessionToken[] = "tokentokentokentokentokentokentokentokentok";  // 43
inline constexpr char kExpires[] = "2033-05-18T03:33:20.250Z";

// A failure as AuthService answers it, with ErrorInfo and `more` among its details.
grpc::Status ServiceError(grpc::StatusCode code, const std::string& reason,
                          const std::string& message,
                          const std::vector<const google::protobuf::Message*>& more = {});

// An AuthService on loopback that answers every call with the constants above, after it has
// answered with what a test has scripted. A token other than kSessionToken is SESSION_INVALID.
// Serves health, too. Thread-safe.
class FakeAuthServer {
 public:
  FakeAuthServer() : FakeAuthServer(grpc::InsecureServerCredentials()) {}
  explicit FakeAuthServer(const std::shared_ptr<grpc::ServerCredentials>& credentials);
  ~FakeAuthServer();
  FakeAuthServer(const FakeAuthServer&) = delete;
  FakeAuthServer& operator=(const FakeAuthServer&) = delete;

  // "127.0.0.1:port"
  std::string address() const;

  // The answer of the next `times` calls, whatever they are.
  void AnswerNext(const grpc::Status& status, int times = 1);
  // From now on those answers ask for this pause before a repeat (`grpc-retry-pushback-ms`).
  void PushBack(std::chrono::milliseconds pause);
  // From now on calls are held until their caller gives up.
  void HoldCalls();
  // The health of `auth.v1.AuthService`; SERVING at first.
  void SetServing(bool serving);

  // What has arrived, with every attempt that gRPC repeated.
  int calls() const;
  std::vector<v1::RegisterRequest> registrations() const;
  std::string last_user_agent() const;
  // Of every attempt; empty where a call had none.
  std::vector<std::string> traceparents() const;

 private:
  class Service;
  const std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace auth::testing
