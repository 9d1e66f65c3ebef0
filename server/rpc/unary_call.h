#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "server/rpc/call_driver.h"
#include "server/rpc/prepared_call.h"

namespace auth::rpc {

// One unary gRPC call: the thin end between gRPC's callback API and CallDriver. Belongs to gRPC,
// and deletes itself when gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor, private Responder {
 public:
  // Adds what gRPC knows of the call (deadline, peer, caller, request id, trace), and starts it.
  static grpc::ServerUnaryReactor* Start(CallDriver* driver, const Clock& clock,
                                         grpc::CallbackServerContext* context,
                                         PreparedCall prepared);

 private:
  UnaryCall(grpc::CallbackServerContext* context, std::string request_id,
            std::function<absl::Status()> write_result);

  // grpc::ServerUnaryReactor. OnDone comes last, when the answer is delivered.
  void OnCancel() override { handle_.Cancel(); }
  void OnDone() override { delete this; }

  // Responder.
  absl::Status WriteResult() override { return write_result_(); }
  void Finish(const absl::Status& status) override;

  grpc::CallbackServerContext* const context_;
  const std::string request_id_;
  const std::function<absl::Status()> write_result_;
  CallDriver::Handle handle_;
};

// A unary handler of gRPC's callback API in one line. `calls` prepares the request: an AuthCalls, …
template <typename Calls, typename Request, typename Response>
grpc::ServerUnaryReactor* StartUnary(const Calls& calls, const Clock& clock, CallDriver* driver,
                                     grpc::CallbackServerContext* context, const Request* request,
                                     Response* response) {
  // gRPC made the message for this call alone, and frees it without wiping: a password is taken
  // out.
  return UnaryCall::Start(driver, clock, context,
                          calls.Prepare(const_cast<Request*>(request), response));
}

}  // namespace auth::rpc
