#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/history.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {

// Registrations on connections that nobody answers on any more, by callers who would wait 10 s, on
// a server that gives each call 2 s. Proves that the server lets go in time and stores nothing
// later, while other callers are served. Not thread-safe.
//
//   auto server = AuthServerProcess::Start(StrandedCalls::Flags(url));
//   StrandedCalls::AwaitIdleConnections(*server);
//   …                                      // break all connections that are open
//   StrandedCalls calls(&*server, &postgres, url, &history);
//   calls.ExpectEndedInTime();
//   …                                      // mend it
//   calls.ExpectNothingStored();
class StrandedCalls {
 public:
  // The connections that are open and idle before the fault.
  static constexpr int kConnections = 4;

  static std::vector<std::string> Flags(const std::string& database_url);
  static void AwaitIdleConnections(const AuthServerProcess& server);

  // Whether those of the calls that get none of the broken connections find another, or wait.
  enum class Others { kServed, kWaiting };

  // Sends them, and waits until they hold all of the connections. `url` leads around the fault.
  // The server must be one that has stranded no calls before.
  StrandedCalls(AuthServerProcess* server, TestPostgres* postgres, std::string url,
                History* history, Others others);
  ~StrandedCalls();

  // Waits for all answers. 2 s and 100 ms after the calls nothing is in use any more, and by the
  // server's log none of them took longer.
  void ExpectEndedInTime();
  // Once PostgreSQL has heard of the end of those connections, which must be possible again.
  void ExpectNothingStored();

 private:
  void Join();

  AuthServerProcess* const server_;
  TestPostgres* const postgres_;
  const std::string url_;
  const std::string prefix_;  // of the e-mail addresses
  const std::vector<pid_t> backends_;
  const int stranded_;  // of the calls
  std::chrono::steady_clock::time_point sent_;
  std::vector<std::thread> callers_;
};

// Others, who validate sessions meanwhile: how long the server took for each call, from its log.
// Not thread-safe.
class Bystanders {
 public:
  // Registers a user and measures an undisturbed second.
  Bystanders(AuthServerProcess* server, History* history);

  // Validates for a second beside the fault, and expects a p99 of twice the undisturbed one at the
  // most, or 20 ms. The first call, which may have to wait for a new connection, has a second.
  void ExpectServedWell();

 private:
  // The p99 of one second of validations, in milliseconds.
  double Measure();

  AuthServerProcess* const server_;
  std::string token_;
  double undisturbed_p99_ = 0;
};

}  // namespace auth::testing
