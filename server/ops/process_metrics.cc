#include "server/ops/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace auth::ops {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// The fields of /proc/self/stat that follow the command's name; see proc_pid_stat(5).
struct ProcStat {
  double user_ticks = 0;
  double system_ticks = 0;
  double threads = 0;
  double start_ticks = 0;  // since boot
  double virtual_bytes = 0;
  double resident_pages = 0;
};

ProcStat ReadProcStat() {
  std::ifstream file("/proc/self/stat");
  const std::string line(std::istreambuf_iterator<char>(file), {});
  // The name may contain spaces and parentheses; its end is the last one.
  std::istringstream fields(line.substr(std::min(line.rfind(')'), line.size() - 1) + 1));
  const auto skip = [&](int count) {
    for (std::string ignored; count > 0; --count) fields >> ignored;
  };
  ProcStat stat;
  skip(11);  // field 3, state, … field 13, cmajflt
  fields >> stat.user_ticks >> stat.system_ticks;
  skip(4);  // cutime … nice
  fields >> stat.threads;
  skip(1);  // itrealvalue
  fields >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  return stat;
}

double BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  for (std::string key; file >> key;) {
    double seconds = 0;
    if (key == "btime" && file >> seconds) return seconds;
    std::getline(file, key);
  }
  return 0;
}

double CountOpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  // Less the one that lists the directory.
  return static_cast<double>(std::distance(begin(files), end(files)) - 1);
}

double MaxOpenFiles() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

MetricFamily SingleValue(const char* name, const char* help, MetricType type, double value) {
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return {.name = name, .help = help, .type = type, .metric = {metric}};
}

std::vector<MetricFamily> CollectProcessMetrics() {
  const ProcStat stat = ReadProcStat();
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto gauge = [](const char* name, const char* help, double value) {
    return SingleValue(name, help, MetricType::Gauge, value);
  };
  return {
      SingleValue("process_cpu_seconds_total", "CPU time in user and kernel mode, in seconds.",
                  MetricType::Counter, (stat.user_ticks + stat.system_ticks) / ticks_per_second),
      gauge("process_resident_memory_bytes", "Resident memory, in bytes.",
            stat.resident_pages * page_bytes),
      gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", stat.virtual_bytes),
      gauge("process_open_fds", "Open file descriptors.", CountOpenFiles()),
      gauge("process_max_fds", "The most file descriptors that may be open (RLIMIT_NOFILE, soft).",
            MaxOpenFiles()),
      gauge("process_threads", "Threads of the process.", stat.threads),
      gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.",
            BootTimeSeconds() + stat.start_ticks / ticks_per_second)};
}

}  // namespace auth::ops
