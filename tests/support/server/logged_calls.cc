#include "tests/support/server/logged_calls.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace auth::testing {

std::vector<LoggedCall> LoggedCalls(const std::string& log) {
  std::vector<LoggedCall> calls;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || event.value("event", "") != "call") continue;
    calls.push_back({.rpc = event.value("rpc", ""),
                     .code = event.value("code", ""),
                     .duration_ms = event.value("duration_ms", 0.0)});
  }
  return calls;
}

std::vector<double> DurationsOf(const std::vector<LoggedCall>& calls, const std::string& rpc,
                                const std::string& code) {
  std::vector<double> durations;
  for (const LoggedCall& call : calls) {
    if (call.rpc == rpc && call.code == code) durations.push_back(call.duration_ms);
  }
  std::sort(durations.begin(), durations.end());
  return durations;
}

double Quantile(const std::vector<double>& values, double quantile) {
  if (values.empty()) return 0;
  const double rank = std::ceil(quantile * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace auth::testing
