#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace auth::server {

// What the control group that this process runs in allows it. Unset: no limit.
struct CgroupLimits {
  std::optional<double> cpus;
  std::optional<std::int64_t> memory_bytes;
};

// Reads version 2 (one hierarchy; the strictest of the group and its parents counts) and version 1.
// What cannot be read is no limit. `own_group` is /proc/self/cgroup, `root` /sys/fs/cgroup, except
// in tests.
CgroupLimits ReadCgroupLimits(const std::string& own_group, const std::string& root);

}  // namespace auth::server
