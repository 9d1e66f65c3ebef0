#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "server/ops/logger.h"
#include "tests/support/fake_clock.h"

namespace auth::ops {

// A JSON logger whose lines a test reads back.
class LogCapture {
 public:
  explicit LogCapture(LogLevel level = LogLevel::kDebug, int repeats_per_second = 0)
      : logger_(std::make_unique<Logger>(
            Logger::Options{.level = level, .repeats_per_second = repeats_per_second}, &clock_,
            [this](std::string_view lines) { text_ += lines; })) {}

  Logger* logger() { return logger_.get(); }
  testing::FakeClock& clock() { return clock_; }

  // Ends the logger and answers what it wrote.
  std::vector<nlohmann::json> Lines() {
    logger_.reset();
    std::vector<nlohmann::json> lines;
    std::istringstream stream(text_);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

 private:
  testing::FakeClock clock_;
  std::string text_;
  std::unique_ptr<Logger> logger_;
};

}  // namespace auth::ops
