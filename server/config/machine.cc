#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "server/config.h"
#include "server/config/cgroup.h"

namespace auth::server {

Machine Machine::Detect() {
  const CgroupLimits cgroup = ReadCgroupLimits("/proc/self/cgroup", "/sys/fs/cgroup");
  Machine machine;
  cpu_set_t affinity;
  CPU_ZERO(&affinity);
  if (sched_getaffinity(0, sizeof affinity, &affinity) == 0) machine.cpus = CPU_COUNT(&affinity);
  // Rounded down: a worker more than the quota has time for is throttled together with the rest.
  if (cgroup.cpus) machine.cpus = std::min(machine.cpus, static_cast<int>(*cgroup.cpus));
  machine.cpus = std::max(machine.cpus, 1);

  machine.memory_bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  if (cgroup.memory_bytes) {
    machine.memory_bytes = std::min(*machine.memory_bytes, *cgroup.memory_bytes);
  }
  machine.stderr_is_terminal = isatty(STDERR_FILENO) == 1;
  return machine;
}

}  // namespace auth::server
