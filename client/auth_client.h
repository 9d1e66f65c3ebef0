#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "auth/v1/session.pb.h"
#include "auth/v1/user.pb.h"
#include "client/channel.h"

namespace auth::client {

struct UserSession {
  v1::User user;
  v1::Session session;  // with its `session_token` if the call issued it: Register and SignIn
};

struct CallOptions {
  // How long the call may take, with all its repeats. Unset = AuthClientOptions::default_timeout.
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
  // The W3C `traceparent` of the caller's span, so that the call belongs to his trace. Empty, or
  // not well-formed = a trace of its own, not sampled.
  std::string traceparent = {};
};

struct RegisterOptions {
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
  // As in CallOptions.
  std::string traceparent = {};
  // Names this registration in all its repeats. Empty = a fresh one for each call. Make it with
  // NewRequestId() (client/request_id.h) and keep it, if you will repeat the call after it failed.
  std::string request_id = {};
};

// Registration and sessions of users, as calls to an AuthService.
//
//   auto client = MakeAuthClient({.channel = {.target = "dns:///auth.example.com", .tls = tls}});
//   if (!client.ok()) return client.status();
//   auto signed_in = (*client)->Register("ana@example.com", password);
//   if (ReasonOf(signed_in.status()) == v1::ERROR_REASON_EMAIL_ALREADY_REGISTERED) …
//
// Calls block until they are answered or their timeout has passed. A call that is answered
// UNAVAILABLE is repeated within its timeout, up to four times, by gRPC itself: Register too,
// because it always carries a `request_id`, the same in every repeat. No other failure is repeated.
//
// Every call carries a W3C `traceparent`, the same in its repeats: the trace id stands in the
// server's log lines about the call, and in its failure (client/errors.h, TraceIdOf).
//
// Failures are a Status with the service's code and message; client/errors.h reads the reason, the
// bad fields and the time to wait from it. DEADLINE_EXCEEDED leaves open whether the call was done:
// repeat Register with the same RegisterOptions::request_id to find out.
//
// Thread-safe: one client serves the whole process. Tests use client/mock_auth_client.h instead.
class AuthClient {
 public:
  AuthClient() = default;
  virtual ~AuthClient() = default;
  AuthClient(const AuthClient&) = delete;
  AuthClient& operator=(const AuthClient&) = delete;

  // Registers a user and signs him in. ALREADY_EXISTS if the address is taken, INVALID_ARGUMENT
  // with all field violations if address or password will not do.
  virtual absl::StatusOr<UserSession> Register(const std::string& email,
                                               const std::string& password,
                                               const RegisterOptions& options) = 0;
  // Makes a new session. UNAUTHENTICATED for an unknown address and a wrong password alike.
  virtual absl::StatusOr<UserSession> SignIn(const std::string& email, const std::string& password,
                                             const CallOptions& options) = 0;
  // Whose session it is. UNAUTHENTICATED if it is unknown, expired or ended.
  virtual absl::StatusOr<UserSession> ValidateSession(const std::string& session_token,
                                                      const CallOptions& options) = 0;
  // Ends the session. OK also if it is unknown or ended already.
  virtual absl::Status SignOut(const std::string& session_token, const CallOptions& options) = 0;
  // The user of the session. UNAUTHENTICATED if it is unknown, expired or ended.
  virtual absl::StatusOr<v1::User> GetUser(const std::string& session_token,
                                           const CallOptions& options) = 0;

  // The same with the options' defaults.
  absl::StatusOr<UserSession> Register(const std::string& email, const std::string& password) {
    return Register(email, password, RegisterOptions{});
  }
  absl::StatusOr<UserSession> SignIn(const std::string& email, const std::string& password) {
    return SignIn(email, password, CallOptions{});
  }
  absl::StatusOr<UserSession> ValidateSession(const std::string& session_token) {
    return ValidateSession(session_token, CallOptions{});
  }
  absl::Status SignOut(const std::string& session_token) {
    return SignOut(session_token, CallOptions{});
  }
  absl::StatusOr<v1::User> GetUser(const std::string& session_token) {
    return GetUser(session_token, CallOptions{});
  }
};

struct AuthClientOptions {
  ChannelOptions channel = {};
  // Of calls that do not bring their own. Shorter than the 15 s for which servers work on a call.
  std::chrono::nanoseconds default_timeout = std::chrono::seconds(10);
};

// A client over a channel of its own; the first call connects. Fails as MakeChannel does.
absl::StatusOr<std::unique_ptr<AuthClient>> MakeAuthClient(const AuthClientOptions& options);

}  // namespace auth::client
