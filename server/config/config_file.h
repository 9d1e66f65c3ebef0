#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/option.h"

namespace auth::server {

// Reads a file of lines `name = value`, the names being those of the flags without dashes in front.
// Blank lines and lines that begin with # are passed over; white space around names and values is
// trimmed, and a value may stand in double quotes.
//
//   # auth.conf
//   listen = 0.0.0.0:50051
//   pool-max-connections = 20
//
// INVALID_ARGUMENT, naming file and line, for anything else, an unknown name, or a name set twice.
absl::StatusOr<Settings> ReadConfigFile(const std::string& path,
                                        const std::vector<Option>& options);

}  // namespace auth::server
