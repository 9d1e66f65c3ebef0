#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/auth_client.h"
#include "tests/support/server/history.h"

namespace auth::testing {

// Users of the client library, with its defaults: each registers, validates the new session four
// times, and begins again, with a pause between two calls. They share one client, as the threads
// of a service do. Every Register is recorded in a history.
//
//   ClientLoad load({.channel = {.target = deployment.target(), .allow_plaintext = true}}, "a",
//                   &history);
//   …                       // a rollout
//   load.Stop();
//   EXPECT_EQ(load.failed(), 0) << load.failures();
class ClientLoad {
 public:
  // `name` begins the users' addresses.
  ClientLoad(const client::AuthClientOptions& options, std::string name, History* history);
  ~ClientLoad() { Stop(); }

  // Lets the calls under way finish. All users together must have called fifty times a second.
  void Stop();

  int64_t ok() const { return ok_; }
  int64_t failed() const { return failed_; }
  // The first failures, in words.
  std::string failures() const;
  std::chrono::milliseconds slowest() const { return std::chrono::milliseconds(slowest_ms_); }

 private:
  void RunUser(int user);
  // The token of a new session; empty if there is none.
  std::string Register(const std::string& email);
  void Count(const absl::Status& status, std::chrono::steady_clock::time_point sent);

  const std::string name_;
  History* const history_;
  const std::unique_ptr<client::AuthClient> client_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> slowest_ms_ = 0;
  mutable std::mutex mutex_;
  std::string failures_;
  std::vector<std::thread> users_;
};

}  // namespace auth::testing
