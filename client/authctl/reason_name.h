#pragma once

#include <string>

#include "auth/v1/error_reason.pb.h"

namespace auth::authctl {

// The names on the wire, e.g. "INVALID_FIELDS" and "PASSWORD_TOO_SHORT"; empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);
std::string ReasonName(v1::FieldViolationReason reason);

}  // namespace auth::authctl
