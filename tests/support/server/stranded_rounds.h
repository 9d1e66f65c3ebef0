#pragma once

#include <chrono>
#include <functional>
#include <random>
#include <string>

#include "tests/support/server/history.h"
#include "tests/support/server/stranded_calls.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {

// Rounds of a fault that strands calls: in each a server of its own strands them, and is replaced,
// on one database with one history. Each ends in service restored and the history checker. Not
// thread-safe.
//
//   StrandedRounds rounds({.count = 25, .postgres = &postgres, .url = url, .server_url = through});
//   rounds.ExpectCallsEnd({.strike = [&] { gate.Hold(); }, .mend = [&] { gate.Resume(); }},
//                         StrandedCalls::Others::kWaiting);
class StrandedRounds {
 public:
  struct Options {
    int count = 1;
    TestPostgres* postgres = nullptr;
    std::string url;         // leads around the fault
    std::string server_url;  // the server's, through it
    std::chrono::seconds restored{5};
  };
  struct Fault {
    std::function<void()> strike;  // the connections that are idle
    std::function<void()> mend;
  };

  explicit StrandedRounds(Options options);

  // Calls end in time, and once the fault is mended nothing of them is stored.
  void ExpectCallsEnd(const Fault& fault, StrandedCalls::Others others);
  // The same, while others are served well; service is restored before the fault is mended.
  void ExpectOthersServed(const Fault& fault);

 private:
  // The moment of the calls after the fault is another one each time.
  void LetSomeTimePass();

  const Options options_;
  std::mt19937_64 random_;
  History history_;
};

}  // namespace auth::testing
