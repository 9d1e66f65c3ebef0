#pragma once

#include "server/ops/logger.h"

namespace auth::rpc {

// Gives what the gRPC library logs (a stranger's bytes on the TLS port, for instance) to `logger`,
// as the event `grpc`: its own lines on stderr would not be in the log's format, and would have no
// limit. The library's variable GRPC_VERBOSITY says what is logged; without it, its errors.
//
// The library has one log in a process: at most one object at a time, made before anything uses
// gRPC. `logger` must outlive it; what gRPC logs later is dropped.
class GrpcLog {
 public:
  explicit GrpcLog(ops::Logger* logger);
  ~GrpcLog();
  GrpcLog(const GrpcLog&) = delete;
  GrpcLog& operator=(const GrpcLog&) = delete;
};

}  // namespace auth::rpc
