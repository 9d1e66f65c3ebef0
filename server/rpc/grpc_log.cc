#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "pool/mutex.h"

namespace auth::rpc {
namespace {

// gRPC calls a plain function, also from threads that outlive the server.
struct Target {
  Mutex mutex;
  ops::Logger* logger ABSL_GUARDED_BY(mutex) = nullptr;
};

// Never destroyed: those threads may outlive main, too.
Target& TheTarget() {
  static Target* const target = new Target;
  return *target;
}

void SetLogger(ops::Logger* logger) {
  Target& target = TheTarget();
  MutexLock lock(&target.mutex);
  target.logger = logger;
}

ops::LogLevel LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return ops::LogLevel::kDebug;
    case GPR_LOG_SEVERITY_INFO:
      return ops::LogLevel::kInfo;
    case GPR_LOG_SEVERITY_ERROR:
      break;
  }
  // Not an error of ours: anybody who can connect can cause one.
  return ops::LogLevel::kWarning;
}

void Forward(gpr_log_func_args* args) {
  const absl::string_view path = args->file;
  const std::string source = absl::StrCat(path.substr(path.rfind('/') + 1), ":", args->line);
  Target& target = TheTarget();
  MutexLock lock(&target.mutex);
  if (target.logger == nullptr) return;
  target.logger->Log(LevelOf(args->severity), "grpc",
                     {{"message", std::string_view(args->message)}, {"source", source}});
}

}  // namespace

GrpcLog::GrpcLog(ops::Logger* logger) {
  SetLogger(logger);
  gpr_set_log_function(&Forward);
}

GrpcLog::~GrpcLog() { SetLogger(nullptr); }

}  // namespace auth::rpc
