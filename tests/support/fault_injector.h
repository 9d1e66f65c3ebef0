#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "pool/connection.h"
#include "pool/mutex.h"

namespace auth::testing {

// Breaks real connections at chosen moments. Thread-safe; must outlive the pool whose factory it
// wraps.
//
//   FaultInjector faults;
//   ConnectionPool pool(options, faults.Wrap(std::move(factory)), …);
//   faults.LoseAnswer("register_user");   // the next one is done, but nobody hears of it
class FaultInjector {
 public:
  std::unique_ptr<pool::ConnectionFactory> Wrap(std::unique_ptr<pool::ConnectionFactory> factory);

  // The next execution of this statement is done by the server, and then its connection is lost.
  void LoseAnswer(const std::string& statement);
  // Runs after each execution of this statement, before its answer is given.
  void AfterEach(const std::string& statement, std::function<void()> hook);
  // What DatabaseTime of each connection opened from now on is wrong by, until it is refreshed.
  void SkewDatabaseTime(Duration skew);

  // How often this statement was executed.
  int executions(const std::string& statement) const;
  // With which label it was last executed; "" without one.
  std::string last_label(const std::string& statement) const;

 private:
  friend class InjectedConnection;

  // OK, or the loss that is to be answered.
  absl::Status AfterExecute(const std::string& statement, const std::string& label);

  mutable Mutex mutex_;
  std::map<std::string, int> answers_to_lose_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::function<void()>> hooks_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> executions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> labels_ ABSL_GUARDED_BY(mutex_);
  Duration skew_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace auth::testing
