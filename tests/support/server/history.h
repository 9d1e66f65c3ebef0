#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "tests/support/history_checker.h"
#include "tests/support/server/registration_load.h"

namespace auth::testing {

// A HistoryChecker fed with the answers of the generated stub. Every attempt is an operation of its
// own: for addresses in lower case that are tried once. Thread-safe.
class History {
 public:
  void Record(const RegisterAttempt& attempt);

  // Compares with the database of `url` when no call is running any more: each violation on a line,
  // or nothing.
  std::string Check(const std::string& url) const;

 private:
  HistoryChecker checker_;
  std::atomic<int64_t> operations_ = 0;
};

}  // namespace auth::testing
