#pragma once

#include <grpcpp/server_context.h>

#include "pool/clock.h"
#include "server/rpc/call_driver.h"

namespace auth::rpc {

// Fills in what the metadata and the connection of a gRPC call tell: peer, caller by certificate,
// authorization, request id (a fresh one if the caller has sent none that is sane) and trace.
void FillFromMetadata(const grpc::CallbackServerContext& context, const Clock& clock,
                      CallInfo* info);

}  // namespace auth::rpc
