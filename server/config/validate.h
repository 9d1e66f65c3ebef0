#pragma once

#include "absl/status/status.h"
#include "server/config.h"

namespace auth::server {

// The rules between options; each option's own bounds are checked where it is read.
// INVALID_ARGUMENT with a sentence that says which flag to change.
absl::Status ValidateConfig(const Config& config, const Machine& machine);

// What the hash workers' memory may be at the most: half of what the process may use. The rest is
// for connections and buffers; a process that exceeds its cgroup is killed.
std::int64_t MaxHashMemoryBytes(const Machine& machine);

}  // namespace auth::server
