// A configuration file, from its lines to a Config that is validated and printed.

#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config.h"
#include "server/config/config_file.h"
#include "server/config/config_text.h"
#include "server/config/option.h"
#include "server/config/options.h"
#include "server/config/validate.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {
namespace {

using server::Config;
using server::Option;
using server::Settings;

constexpr size_t kMaxBytes = 300;

const std::vector<Option>& Options() {
  static const std::vector<Option> options = server::AllOptions();
  return options;
}

// A file without a disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("config", MFD_CLOEXEC)) {
    Expect(descriptor_ >= 0, "the system gives memory");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

  void Write(std::string_view text) const {
    const bool written =
        ftruncate(descriptor_, 0) == 0 &&
        pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    Expect(written, "the system gives memory");
  }

 private:
  const int descriptor_;
};

absl::StatusOr<Settings> Read(std::string_view text) {
  static const MemoryFile file;
  file.Write(text);
  absl::StatusOr<Settings> settings = server::ReadConfigFile(file.path(), Options());
  if (!settings.ok()) Expect(!settings.status().message().empty(), "a refusal says where and why");
  return settings;
}

// nullopt if a value is refused.
std::optional<Config> Apply(const Settings& settings) {
  Config config;
  for (const Option& option : Options()) {
    const auto found = settings.find(option.name);
    if (found == settings.end()) continue;
    const absl::Status status = option.set(found->second.text, &config);
    if (status.ok()) continue;
    Expect(!status.message().empty(), "a refusal says what is allowed");
    return std::nullopt;
  }
  return config;
}

}  // namespace

void FuzzOne(std::string_view input) {
  // A name is compared with all that exist, letter by letter: long ones only cost time.
  if (input.size() > kMaxBytes) return;
  const absl::StatusOr<Settings> settings = Read(input);
  if (!settings.ok()) return;
  std::optional<Config> config = Apply(*settings);
  if (!config) return;
  // The files are read, and may be a device that never ends.
  Config without_files = *config;
  without_files.tls_cert = without_files.tls_key = without_files.tls_client_ca = "";
  const server::Machine machine{.cpus = 2, .memory_bytes = int64_t{1} << 30};
  (void)server::ValidateConfig(without_files, machine);

  // A redacted URL is not the one that was given.
  config->database_url.clear();
  const std::string printed = server::ConfigText(*config, Options());
  const absl::StatusOr<Settings> read_back = Read(printed);
  Expect(read_back.ok(), "what is printed is a configuration file");
  const std::optional<Config> again = Apply(*read_back);
  Expect(again.has_value(), "every value that is printed is allowed");
  Expect(server::ConfigText(*again, Options()) == printed, "a value is read as it was printed");
}

}  // namespace auth::testing
