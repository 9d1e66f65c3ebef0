#pragma once

#include "server/ops/call_record.h"
#include "server/ops/logger.h"

namespace auth::ops {

// One line for each answered call: event `call`. Errors of the server are errors, an unavailable
// database is a warning, what callers do wrong is information.
//
// Thread-safe. `logger` must outlive it.
class AccessLog final : public CallObserver {
 public:
  explicit AccessLog(Logger* logger) : logger_(logger) {}
  void OnCall(const CallRecord& record) override;

 private:
  Logger* const logger_;
};

}  // namespace auth::ops
