#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/service_config.h"

namespace grpc {
class Channel;
}

namespace auth::client {

// TLS of a channel; files are PEM and are read once.
struct TlsOptions {
  // Who may sign the server's certificate; empty = the well-known roots.
  std::string ca_file = {};
  // The client's own certificate and its unencrypted key, for mutual TLS: both or none.
  std::string cert_file = {};
  std::string key_file = {};
  // The name in the server's certificate, if it is not the target's host.
  std::string server_name = {};
};

struct ChannelOptions {
  // host:port or any gRPC target, e.g. dns:///auth.example.com:443, which finds all replicas.
  std::string target = "127.0.0.1:50051";
  // Unset = plaintext, which is refused beyond loopback: passwords travel on this channel.
  std::optional<TlsOptions> tls = std::nullopt;
  // Plaintext beyond loopback, e.g. behind the sidecar of a service mesh.
  bool allow_plaintext = false;
  // A peer that is gone is noticed after this time and 10 s, also between calls. Not below a
  // minute: servers close connections that ping them more often than twice a minute.
  std::chrono::nanoseconds keepalive_time = std::chrono::minutes(1);
};

// Whether no byte of a channel to this target can leave this machine.
bool IsLoopback(absl::string_view target);

// A channel for generated stubs. Does not connect yet: the first call does. `service_config` (JSON;
// empty = none) rules alone: the one that DNS may publish for the target is not asked for.
//
// INVALID_ARGUMENT, with a sentence that says what to do: plaintext beyond loopback, a file that
// cannot be read or is no PEM, a certificate without its key.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const ChannelOptions& options,
    const std::string& service_config = ServiceConfigJson(RetryRegister::kNo));

}  // namespace auth::client
