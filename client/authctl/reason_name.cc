#include "client/authctl/reason_name.h"

namespace auth::authctl {

std::string ReasonName(v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return "";
  return v1::ErrorReason_Name(reason).substr(sizeof("ERROR_REASON_") - 1);
}

std::string ReasonName(v1::FieldViolationReason reason) {
  if (reason == v1::FIELD_VIOLATION_REASON_UNSPECIFIED) return "";
  return v1::FieldViolationReason_Name(reason).substr(sizeof("FIELD_VIOLATION_REASON_") - 1);
}

}  // namespace auth::authctl
