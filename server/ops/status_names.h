#pragma once

#include <array>
#include <string_view>

#include "absl/status/status.h"

namespace auth::ops {

// The codes' names as gRPC writes them, by number: absl's codes are gRPC's.
inline constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// The code's name; a static string.
std::string_view CodeName(absl::StatusCode code);

}  // namespace auth::ops
