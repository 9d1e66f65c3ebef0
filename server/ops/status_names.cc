#include "server/ops/status_names.h"

#include <cstddef>

namespace auth::ops {

std::string_view CodeName(absl::StatusCode code) {
  const auto number = static_cast<size_t>(code);
  return number < kCodeNames.size() ? kCodeNames[number] : "UNKNOWN";
}

}  // namespace auth::ops
