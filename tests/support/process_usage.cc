#include "tests/support/process_usage.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace auth::testing {
namespace {

int EntriesOf(const std::filesystem::path& directory) {
  int entries = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++entries;
  }
  return entries;
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  const std::filesystem::path proc = std::filesystem::path("/proc") / std::to_string(pid);
  ProcessUsage usage{.resident_kib = 0,
                     .descriptors = EntriesOf(proc / "fd"),
                     .threads = EntriesOf(proc / "task")};
  std::ifstream status(proc / "status");
  for (std::string label; status >> label;) {
    if (label == "VmRSS:") status >> usage.resident_kib;
  }
  return usage;
}

}  // namespace auth::testing
