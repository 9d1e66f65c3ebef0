#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

#include "pool/clock.h"
#include "server/ops/log_writer.h"
#include "server/ops/repeat_limiter.h"

namespace auth::ops {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat {
  kJson,  // one JSON object a line
  kText,  // for people
};

// One typed value of a log line. Refers to its key and text: lives as long as the call to Logger.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, double, bool>;

  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, double value) : key_(key), value_(value) {}
  // A template, because a plain bool parameter would catch string literals.
  template <std::integral T>
  LogField(std::string_view key, T value) : key_(key), value_(ToValue(value)) {}

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  static Value ToValue(bool value) { return value; }
  template <std::integral T>
  static Value ToValue(T value) {
    return static_cast<std::int64_t>(value);
  }

  std::string_view key_;
  Value value_;
};

using LogFields = std::initializer_list<LogField>;

// A structured log: one event, one line, whatever the values contain.
//
// An event has a stable name to search and count by, and fields. The field `message` is a sentence
// for people; in text format it takes the event's place. Never pass a secret, a request, or an
// e-mail address.
//
// Inside of a LogScope a line also tells of which call it is.
//
// Callers do not wait for stderr (LogWriter); when its queue is full, the oldest lines are dropped
// and counted. The destructor writes the rest. Repeats of one event beyond `repeats_per_second` are
// suppressed; the next line of that event tells how many in its field `suppressed`.
//
// Thread-safe. `clock` must outlive it.
//
//   Logger logger({.format = LogFormat::kText}, &clock);
//   logger.Info("ready", {{"grpc", "127.0.0.1:50051"}, {"took_ms", 104}});
//   logger.Warning("tls_reload_failed", {{"message", status.ToString()}});
class Logger {
 public:
  struct Options {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kJson;
    int repeats_per_second = 20;  // for each event name; 0: no limit
  };

  // Writes to stderr.
  Logger(Options options, const Clock* clock);
  // Writes to `sink`, for tests.
  Logger(Options options, const Clock* clock, LogWriter::Sink sink);

  void Debug(std::string_view event, LogFields fields = {}) {
    Log(LogLevel::kDebug, event, fields);
  }
  void Info(std::string_view event, LogFields fields = {}) { Log(LogLevel::kInfo, event, fields); }
  void Warning(std::string_view event, LogFields fields = {}) {
    Log(LogLevel::kWarning, event, fields);
  }
  void Error(std::string_view event, LogFields fields = {}) {
    Log(LogLevel::kError, event, fields);
  }
  void Log(LogLevel level, std::string_view event, LogFields fields);
  // The same without the limit on repeats: for the access log, where each line is a call.
  void LogEach(LogLevel level, std::string_view event, LogFields fields);

  // Whether lines of `level` are written; saves the making of fields.
  bool Enabled(LogLevel level) const { return level >= options_.level; }
  // Lines lost because stderr was too slow.
  std::int64_t dropped() const { return writer_.dropped(); }

 private:
  void Write(LogLevel level, std::string_view event, LogFields fields, std::int64_t suppressed);

  const Options options_;
  const Clock* const clock_;
  RepeatLimiter limiter_;
  LogWriter writer_;
};

std::string_view Name(LogLevel level);

}  // namespace auth::ops
