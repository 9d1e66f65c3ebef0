#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/rpc/service_tokens.h"

namespace auth::rpc {

// Who may make which call: one table, RPC → role (access_policy.cc). What is not in it, nobody may.
//
// Thread-safe.
class AccessPolicy {
 public:
  // `tokens` may be null: then nobody has a role. It must outlive the policy.
  explicit AccessPolicy(ServiceTokens* tokens) : tokens_(tokens) {}

  struct Verdict {
    absl::Status status;  // OK, or CALLER_NOT_ALLOWED
    std::string caller;   // "service:NAME" if a role was needed and proved, else empty
  };
  // `method` is the full name, "auth.v1.AuthService/Register"; `authorization` the value of that
  // metadata, or empty.
  Verdict Check(std::string_view method, std::string_view authorization) const;

  // The table, for a test that it names every RPC.
  static std::vector<std::pair<std::string_view, Role>> Table();

 private:
  ServiceTokens* const tokens_;
};

// The token of "Bearer TOKEN"; empty if it is anything else.
std::string_view BearerToken(std::string_view authorization);

}  // namespace auth::rpc
