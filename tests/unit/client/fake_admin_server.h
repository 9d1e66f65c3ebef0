#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "auth/v1/admin_service.grpc.pb.h"

namespace auth::testing {

inline constexpr char kAdminToken[] = "admin-token";

// A pool of which every part has something to show.
v1::PoolStatus BusyPool();

// An AdminService on loopback that knows kAdminToken. It answers with BusyPool, whose sequence goes
// on by one with every answer; a watcher hears of it in the interval he asks for. Thread-safe.
class FakeAdminServer {
 public:
  FakeAdminServer() { Start(); }
  ~FakeAdminServer() { Stop(); }
  FakeAdminServer(const FakeAdminServer&) = delete;
  FakeAdminServer& operator=(const FakeAdminServer&) = delete;

  // "127.0.0.1:port", the same after a restart.
  std::string address() const;
  // Ends every call and closes the port.
  void Stop();
  // Again at the same port; with another token, if it is not empty.
  void Start(const std::string& token = "");

  // How often each call has come.
  int recreated() const;
  int watched() const;
  // The interval of the last watcher, in milliseconds.
  int interval_ms() const;
  std::string last_traceparent() const;

 private:
  class Service;
  std::shared_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace auth::testing
