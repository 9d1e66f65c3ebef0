#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/rpc/call_driver.h"
#include "server/rpc/call_table.h"

namespace auth::rpc {

// The unary RPCs for curl and browsers, as JSON over HTTP:
//
//   POST /auth.v1.<Service>/<Rpc>     the Connect protocol (connectrpc.com): AuthService,
//   AdminService POST /auth/signup, /auth/signin   Register and SignIn GET  /auth/session
//   ValidateSession of the bearer token POST /auth/signout                SignOut of the bearer
//   token
//
// Connect's clients may send the binary form of messages (application/proto), and get it back.
//
// A call takes the same way as one over gRPC: access, admission, limits, log and metrics are
// CallDriver's. There is no code for single RPCs: requests and responses are read and written by
// descriptor. A call whose client leaves goes on until it is answered.
//
// The destructor waits for calls under way, which CallDriver answers by their deadlines at the
// latest: destroy it after GrpcServer::Drain, and before the CallDriver.
class JsonGateway {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  // 0 picks a free one
    // Web origins ("https://app.example.com") whose scripts may call; none by default, "*" is all.
    std::vector<std::string> cors_origins = {};
  };

  // Binds and serves at once. UNAVAILABLE, naming the address, if it cannot be bound. What is
  // pointed to must outlive the gateway.
  static absl::StatusOr<std::unique_ptr<JsonGateway>> Start(const Options& options,
                                                            const CallTable* methods,
                                                            CallDriver* calls, const Clock* clock);
  ~JsonGateway();

  std::uint16_t port() const;

 private:
  struct State;
  explicit JsonGateway(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace auth::rpc
