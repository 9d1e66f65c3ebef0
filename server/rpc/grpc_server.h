#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/account/account_services.h"
#include "server/rpc/admin_calls.h"
#include "server/rpc/call_driver.h"
#include "server/rpc/call_table.h"
#include "server/rpc/tls_reloader.h"

namespace auth::rpc {

// The gRPC side of the process: AuthService, AdminService, health and reflection on one port; and
// the driver of all calls, for other protocols too.
//
// Health has three names: "" is the process, `auth.v1.AuthService` tells whether this process can
// work (SetReady), and `database` whether the database answers (SetDatabase). Thread-safe, except
// that Drain is called by one thread.
//
//   ASSIGN_OR_RETURN(auto server, GrpcServer::Start(options, &services, dependencies));
//   server->SetReady();
//   …                                             // until SIGTERM
//   server->Drain(drain_delay, drain_timeout);    // before the worker pools are destroyed
class GrpcServer {
 public:
  struct Options {
    std::string listen = "127.0.0.1:50051";  // port 0 picks a free one
    bool allow_plaintext = false;            // beyond loopback, without TLS
    TlsFiles tls = {};                       // empty = plaintext
    TlsReloader::OnChange on_tls_change = [](const auto&) {};
    bool reflection = false;                           // lets grpcurl list and call the services
    Duration max_deadline = std::chrono::seconds(15);  // cap and default of a call's deadline
  };

  // Listens at once. INVALID_ARGUMENT if the configuration is wrong (the address, plaintext beyond
  // loopback, certificate files), UNAVAILABLE if the port cannot be had, each with a sentence that
  // says what to do; RESOURCE_EXHAUSTED if the process may open no more files. `services`, what
  // `admin` uses and what `dependencies` points to must outlive the server *and* every task of the
  // worker pools.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                           const account::AccountServices* services,
                                                           AdminSources admin,
                                                           const CallDependencies& dependencies);
  // Drains without a delay and without mercy, if Drain has not run.
  ~GrpcServer();

  int port() const;
  // For a gateway from another protocol: its calls are drained with those of gRPC. Live as long as
  // the server.
  CallDriver* calls();
  const CallTable& methods() const;

  // From now on calls are served and Health says so; until then they are refused, because the
  // database may not have what they expect of it.
  void SetReady();
  // False until told otherwise.
  void SetDatabase(bool available);

  // Health says NOT_SERVING, calls are served for `delay` more, then new ones are refused and those
  // admitted have `timeout` to finish. What is not finished then is answered as UNAVAILABLE (its
  // work may go on in its worker pool). Returns when every call is answered, within `timeout` and a
  // second; false if calls were given up. Only the first call does anything.
  bool Drain(Duration delay, Duration timeout);

  // Ends the delay of a Drain that runs, or will run, in another thread: for a second SIGTERM.
  void SkipDrainDelay();

 private:
  struct State;
  explicit GrpcServer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace auth::rpc
