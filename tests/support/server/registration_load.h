#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "auth/v1/auth_service.grpc.pb.h"

namespace auth::testing {

// The plain generated stub on a channel of its own, with gRPC's retries off: it sees every failure.
std::unique_ptr<v1::AuthService::Stub> NewPlainStub(const std::string& address);

// A password that every policy takes.
inline constexpr char kGoodPassword[] = "correct horse battery staple";

// A random UUID.
std::string NewRequestId(std::mt19937_64* random);

// One Register call as its caller saw it.
struct RegisterAttempt {
  v1::RegisterRequest request;
  grpc::Status status;
  v1::RegisterResponse response;
};

// Calls Register with `timeout` and waits for the answer.
RegisterAttempt Register(v1::AuthService::Stub* stub, const std::string& email,
                         const std::string& request_id, std::chrono::milliseconds timeout);

// The reason in a status's google.rpc.ErrorInfo, e.g. "EMAIL_ALREADY_REGISTERED"; empty if none.
std::string ReasonOf(const grpc::Status& status);
// The delay in its google.rpc.RetryInfo; zero if none.
std::chrono::milliseconds RetryDelayOf(const grpc::Status& status);

// Clients that register new users as fast as they are answered, one call at a time each.
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

  // Lets the calls under way finish.
  void Stop();

  int64_t ok() const { return ok_; }
  int64_t failed() const { return failed_; }
  // The first failures, in words.
  std::string failures() const;

 private:
  void RunClient(const std::string& address, int client);

  const Options options_;
  const Observer observer_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> failed_ = 0;
  mutable std::mutex mutex_;
  std::string failures_;
  std::vector<std::thread> clients_;
};

}  // namespace auth::testing
