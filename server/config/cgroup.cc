#include "server/config/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_split.h"

namespace auth::server {
namespace {

// Version 1 writes "no limit" as the largest multiple of a page.
constexpr std::int64_t kNoMemoryLimit = std::int64_t{1} << 60;

// The first whitespace-separated words of a file; empty if it cannot be read.
std::vector<std::string> ReadWords(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  for (std::string word; file >> word;) words.push_back(word);
  return words;
}

std::optional<std::int64_t> ToNumber(const std::string& word) {
  std::istringstream stream(word);
  std::int64_t number = 0;
  if (!(stream >> number)) return std::nullopt;
  return number;
}

template <typename T>
void TakeLower(std::optional<T>* limit, T candidate) {
  *limit = limit->has_value() ? std::min(**limit, candidate) : candidate;
}

void TakeCpuQuota(const std::string& quota, const std::string& period, CgroupLimits* limits) {
  const std::optional<std::int64_t> microseconds = ToNumber(quota);  // nothing if "max"
  const std::optional<std::int64_t> per = ToNumber(period);
  if (!microseconds || *microseconds <= 0 || !per || *per <= 0) return;
  TakeLower(&limits->cpus, static_cast<double>(*microseconds) / static_cast<double>(*per));
}

void TakeMemory(const std::vector<std::string>& words, CgroupLimits* limits) {
  const std::optional<std::int64_t> bytes = words.empty() ? std::nullopt : ToNumber(words[0]);
  if (bytes && *bytes < kNoMemoryLimit) TakeLower(&limits->memory_bytes, *bytes);
}

void ReadVersion2(const std::string& directory, CgroupLimits* limits) {
  const std::vector<std::string> cpu = ReadWords(directory + "/cpu.max");
  if (cpu.size() == 2) TakeCpuQuota(cpu[0], cpu[1], limits);
  TakeMemory(ReadWords(directory + "/memory.max"), limits);
}

void ReadVersion1(const std::string& root, const std::string& group, CgroupLimits* limits) {
  const std::string cpu = root + "/cpu" + group;
  const std::vector<std::string> quota = ReadWords(cpu + "/cpu.cfs_quota_us");
  const std::vector<std::string> period = ReadWords(cpu + "/cpu.cfs_period_us");
  if (!quota.empty() && !period.empty()) TakeCpuQuota(quota[0], period[0], limits);
  TakeMemory(ReadWords(root + "/memory" + group + "/memory.limit_in_bytes"), limits);
}

}  // namespace

CgroupLimits ReadCgroupLimits(const std::string& own_group, const std::string& root) {
  CgroupLimits limits;
  std::ifstream file(own_group);
  // hierarchy-id:controllers:path, with id 0 for version 2. In a container the path may be the
  // host's, which does not exist here: walking up finds the container's own limits at the root.
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    for (std::string group = parts[2] == "/" ? "" : parts[2];; group.resize(group.rfind('/'))) {
      if (parts[0] == "0") {
        ReadVersion2(root + group, &limits);
      } else {
        ReadVersion1(root, group, &limits);
      }
      if (group.find('/') == std::string::npos) break;
    }
  }
  return limits;
}

}  // namespace auth::server
