#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/clock.h"
#include "server/ops/log_scope.h"
#include "server/ops/logger.h"

namespace auth::ops {

// What one line says.
struct LogEvent {
  WallTime time;
  LogLevel level;
  std::string_view event;
  LogFields fields;
  const LogScope* scope = nullptr;  // of the call for which it is logged, if any
  std::int64_t suppressed = 0;      // repeats of the event that were not logged; 0 is not shown
};

// The line of an event, newline included. Values cannot break it: control characters, text that is
// no UTF-8 and terminal escapes come out escaped or replaced.
//
//   {"time":"2026-…Z","level":"info","event":"ready","grpc":"127.0.0.1:50051"}
//   2026-…Z INFO    ready grpc=127.0.0.1:50051
std::string FormatLogLine(LogFormat format, const LogEvent& event);

}  // namespace auth::ops
