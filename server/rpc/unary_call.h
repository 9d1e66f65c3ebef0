#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "server/account/operation.h"
#include "server/rpc/call_driver.h"

namespace auth::rpc {

// One unary gRPC call: the thin end between gRPC's callback API and CallDriver. Belongs to gRPC,
// and deletes itself when gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor, private Responder {
 public:
  // Fills the call's metadata (deadline, peer, caller, request id, trace) into `info`, and starts
  // it. `write_result` runs once, when `operation` is done, and writes its result into the
  // response.
  static grpc::ServerUnaryReactor* Start(CallDriver* driver, const Clock& clock,
                                         grpc::CallbackServerContext* context, CallInfo info,
                                         std::unique_ptr<account::Operation> operation,
                                         std::function<absl::Status()> write_result);

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

}  // namespace auth::rpc
