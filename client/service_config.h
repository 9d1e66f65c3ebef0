#pragma once

#include <string>

namespace auth::client {

// Whether gRPC itself may repeat Register after UNAVAILABLE. Only where every Register carries a
// `request_id`: without one a repeat can find its own user and answer ALREADY_EXISTS.
enum class RetryRegister { kNo, kYes };

// The gRPC service config (JSON) of a good client: spreads calls over all addresses of the target,
// prefers servers whose health of `auth.v1.AuthService` is SERVING, and repeats calls that were
// answered UNAVAILABLE, and no others, within their deadline and a budget that an outage exhausts.
//
// With RetryRegister::kNo it is what `client/service_config.json` publishes for generated stubs of
// any language.
std::string ServiceConfigJson(RetryRegister retry_register);

}  // namespace auth::client
