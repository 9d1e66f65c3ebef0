#pragma once

#include <sys/types.h>

#include <cstdint>

namespace auth::testing {

// What a process holds of the machine, by /proc.
struct ProcessUsage {
  int64_t resident_kib = 0;
  int descriptors = 0;
  int threads = 0;
};

// Zeros if the process has ended.
ProcessUsage UsageOf(pid_t pid);

}  // namespace auth::testing
