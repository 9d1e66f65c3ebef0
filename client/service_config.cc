#include "client/service_config.h"

#include "absl/strings/str_cat.h"

namespace auth::client {

std::string ServiceConfigJson(RetryRegister retry_register) {
  // Five attempts are the most that gRPC makes. A server's `grpc-retry-pushback-ms` takes the
  // place of the backoff.
  constexpr char kRetryPolicy[] = R"("retryPolicy": {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"]
      })";
  const char* const register_name = retry_register == RetryRegister::kYes ? R"(
        {"service": "auth.v1.AuthService", "method": "Register"},)"
                                                                          : "";
  // Throttling: 50 failed attempts stop the repeats to this target, 10 good calls earn one back.
  return absl::StrCat(R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "auth.v1.AuthService"},
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
  "methodConfig": [
    {
      "name": [)",
                      register_name, R"(
        {"service": "auth.v1.AuthService", "method": "SignIn"},
        {"service": "auth.v1.AuthService", "method": "ValidateSession"},
        {"service": "auth.v1.AuthService", "method": "SignOut"},
        {"service": "auth.v1.AuthService", "method": "GetUser"}
      ],
      )",
                      kRetryPolicy, R"(
    }
  ]
}
)");
}

}  // namespace auth::client
