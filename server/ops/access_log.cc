#include "server/ops/access_log.h"

#include <string_view>

#include "server/ops/log_scope.h"
#include "server/ops/pool_log.h"

namespace auth::ops {
namespace {

// A name in a certificate may be a long URI.
constexpr std::size_t kMaxCallerLength = 256;

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

LogLevel LevelOf(std::string_view code) {
  if (code == "INTERNAL" || code == "UNKNOWN" || code == "DATA_LOSS") return LogLevel::kError;
  if (code == "UNAVAILABLE") return LogLevel::kWarning;
  return LogLevel::kInfo;
}

}  // namespace

void AccessLog::OnCall(const CallRecord& record) {
  const LogLevel level = LevelOf(record.code);
  if (!logger_->Enabled(level)) return;
  logger_->LogEach(level, "call",
                   {{"rpc", record.rpc},
                    {"code", record.code},
                    {"reason", record.reason},
                    {"cause", CleanDriverMessage(record.cause)},
                    {"duration_ms", Milliseconds(record.duration)},
                    {"queue_ms", Milliseconds(record.queue_time)},
                    {"hash_ms", Milliseconds(record.hash_time)},
                    {"store_ms", Milliseconds(record.store_time)},
                    {"db_attempts", record.db_attempts},
                    {"peer", record.peer},
                    {"caller", std::string_view(record.caller).substr(0, kMaxCallerLength)},
                    {"request_id", LoggedId(record.request_id)},
                    {"trace_id", LoggedId(record.trace.trace_id)}});
}

}  // namespace auth::ops
