#pragma once

#include <string>
#include <vector>

#include "server/config/option.h"

namespace auth::server {

// The text of --help.
std::string HelpText(const std::vector<Option>& options);

// The text of --print-config: every option as a line of a configuration file, secrets redacted, and
// behind a transaction pooler the statements that set the database's timeouts.
std::string ConfigText(const Config& config, const std::vector<Option>& options);

}  // namespace auth::server
