#include "server/ops/logger.h"

#include <unistd.h>

#include <utility>

#include "server/ops/log_line.h"
#include "server/ops/log_scope.h"

namespace auth::ops {

Logger::Logger(Options options, const Clock* clock)
    : Logger(options, clock, LogWriter::ToFileDescriptor(STDERR_FILENO)) {}

Logger::Logger(Options options, const Clock* clock, LogWriter::Sink sink)
    : options_(options),
      clock_(clock),
      limiter_(options.repeats_per_second),
      writer_(std::move(sink)) {}

void Logger::Log(LogLevel level, std::string_view event, LogFields fields) {
  if (!Enabled(level)) return;
  const std::optional<std::int64_t> suppressed = limiter_.Admit(event, clock_->Monotonic());
  if (suppressed) Write(level, event, fields, *suppressed);
}

void Logger::LogEach(LogLevel level, std::string_view event, LogFields fields) {
  if (Enabled(level)) Write(level, event, fields, 0);
}

void Logger::Write(LogLevel level, std::string_view event, LogFields fields,
                   std::int64_t suppressed) {
  writer_.Write(FormatLogLine(options_.format, {.time = clock_->Now(),
                                                .level = level,
                                                .event = event,
                                                .fields = fields,
                                                .scope = LogScope::Current(),
                                                .suppressed = suppressed}));
}

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

}  // namespace auth::ops
