#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/option.h"

namespace auth::server {

// What the flags say.
struct CommandLine {
  bool help = false;
  bool version = false;
  bool print_config = false;
  Settings settings;  // with "config" for --config
};

// INVALID_ARGUMENT for an unknown flag (with the closest known one), a flag without its value, or
// anything that is no flag. Of a repeated flag the last one counts.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const std::vector<Option>& options);

}  // namespace auth::server
