#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server/calls.h"

namespace auth::testing {

// Clients that register new users as fast as they are answered, one call at a time each. Their
// request_ids follow from TestSeed(). That they really asked all the time is a part of the proof:
// Stop fails the test if they did not.
//
//   RegistrationLoad load(server.grpc_address(), {.clients = 8}, record);
//   …                       // faults
//   load.Stop();
//   EXPECT_EQ(load.failed(), 0);
class RegistrationLoad {
 public:
  struct Options {
    int clients = 8;
    std::chrono::milliseconds timeout = std::chrono::seconds(20);
    std::string email_prefix = "load";
    bool with_request_id = true;
  };
  // Called by every client's thread after each answer.
  using Observer = std::function<void(const RegisterAttempt&)>;

  RegistrationLoad(const std::string& address, Options options, Observer observer = nullptr);
  ~RegistrationLoad() { Stop(); }

  // Lets the calls under way finish. Each client must have had one for nine tenths of the time.
  void Stop();

  int64_t ok() const { return ok_; }
  int64_t failed() const { return failed_; }
  // The first failures, in words.
  std::string failures() const;

 private:
  void RunClient(const std::string& address, int client);
  void ExpectAllAskedAlways() const;

  const Options options_;
  const Observer observer_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> failed_ = 0;
  mutable std::mutex mutex_;
  std::string failures_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  // The share of its time that each client had a call under way; its own until it has ended.
  std::vector<double> asked_;
  std::vector<std::thread> clients_;
};

}  // namespace auth::testing
