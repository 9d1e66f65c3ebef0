#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "auth/v1/admin_service.grpc.pb.h"
#include "client/auth_client.h"

namespace auth::authctl {

// The answered calls of AdminService, with the service token they need. Fails as AuthClient does,
// but repeats nothing: who operates a server wants to see what it answers now.
//
// Not part of the client library: services have no business here, and other operators' programs are
// served by the generated stub over client::MakeChannel.
class AdminClient {
 public:
  // The token is visible ASCII.
  AdminClient(const std::shared_ptr<grpc::Channel>& channel, std::string token);

  // The options need a timeout.
  absl::StatusOr<v1::PoolStatus> GetPoolStatus(const client::CallOptions& options) const;
  absl::StatusOr<v1::RecreatePoolResponse> RecreatePool(const client::CallOptions& options) const;

 private:
  const std::unique_ptr<v1::AdminService::Stub> stub_;
  const std::string token_;
};

// Lets a call carry the service token.
void AddServiceToken(const std::string& token, grpc::ClientContext* context);

}  // namespace auth::authctl
