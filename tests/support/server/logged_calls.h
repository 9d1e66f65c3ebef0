#pragma once

#include <string>
#include <vector>

namespace auth::testing {

// One call as the server's access log tells of it.
struct LoggedCall {
  std::string rpc;   // e.g. "Register"
  std::string code;  // e.g. "DEADLINE_EXCEEDED"
  double duration_ms = 0;
};

// The calls in a server's log, in the order in which they ended. For --log-format=json.
std::vector<LoggedCall> LoggedCalls(const std::string& log);

// The durations of those calls of `rpc` that ended with `code`, shortest first.
std::vector<double> DurationsOf(const std::vector<LoggedCall>& calls, const std::string& rpc,
                                const std::string& code);

// The value that a share of `quantile` of the sorted `values` does not exceed; 0 of none.
double Quantile(const std::vector<double>& values, double quantile);

}  // namespace auth::testing
