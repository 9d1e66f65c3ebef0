#include "client/authctl/exit_code.h"

#include "client/errors.h"

namespace auth::authctl {

ExitCode ExitCodeOf(const absl::Status& failure) {
  if (absl::IsUnavailable(failure) || absl::IsDeadlineExceeded(failure) ||
      client::ReasonOf(failure) == v1::ERROR_REASON_OVERLOADED) {
    return kUnavailable;
  }
  return kRefused;
}

}  // namespace auth::authctl
