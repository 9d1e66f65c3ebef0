#include "server/config.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/command_line.h"
#include "server/config/config_file.h"
#include "server/config/config_text.h"
#include "server/config/environment.h"
#include "server/config/options.h"
#include "server/config/validate.h"

namespace auth::server {
namespace {

absl::StatusOr<std::string> ReadUrlFile(const std::string& path) {
  std::ifstream file(path);
  std::string url;
  std::getline(file, url, '\0');  // all of it; what fails here sets a flag and does not throw
  absl::StripAsciiWhitespace(&url);
  if (file.bad() || url.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--database-url-file: cannot read a URL from ", path));
  }
  return url;
}

// The sources, the strongest first.
absl::StatusOr<std::vector<Settings>> ReadSources(CommandLine line, const Environment& variables,
                                                  const std::vector<Option>& options) {
  absl::StatusOr<Settings> environment = ReadEnvironment(variables, options);
  if (!environment.ok()) return environment.status();
  std::vector<Settings> sources = {std::move(line.settings), *std::move(environment)};
  for (const Settings& source : sources) {
    const auto path = source.find("config");
    if (path == source.end()) continue;
    absl::StatusOr<Settings> file = ReadConfigFile(path->second.text, options);
    if (!file.ok()) return file.status();
    sources.push_back(*std::move(file));
    break;
  }
  for (Settings& source : sources) source.erase("config");
  return sources;
}

// The strongest source that names a database decides alone: a flag for a private PostgreSQL is not
// in conflict with a DATABASE_URL that the shell happens to export.
absl::Status KeepOneDatabase(std::vector<Settings>* sources) {
  bool decided = false;
  for (Settings& source : *sources) {
    std::vector<std::string> named;
    for (const char* name : kDatabaseOptions) {
      const auto found = source.find(name);
      if (found == source.end()) continue;
      named.push_back(found->second.source);
      if (decided) source.erase(found);
    }
    if (!decided && named.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::StrJoin(named, " and "), " name two databases: give one of them"));
    }
    decided = decided || !named.empty();
  }
  return absl::OkStatus();
}

absl::Status CheckThatThereIsADatabase(const Config& config) {
  if (!config.database_url.empty() || !config.embedded_postgres.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "no database: give --database-url (or AUTH_DATABASE_URL, NEON_DB_URL or DATABASE_URL) such "
      "as postgresql://user:password@host/database, or --embedded-postgres DIR for a private one");
}

// Sets each option from the strongest source that has it; answers the names of those that are set.
absl::StatusOr<std::set<std::string>> Apply(const std::vector<Settings>& sources,
                                            const std::vector<Option>& options, Config* config) {
  std::set<std::string> given;
  for (const Option& option : options) {
    for (const Settings& source : sources) {
      const auto found = source.find(option.name);
      if (found == source.end()) continue;
      const Setting& setting = found->second;
      const absl::Status status = option.set(setting.text, config);
      if (!status.ok()) {
        const std::string value = option.secret ? "" : absl::StrCat(" (`", setting.text, "`)");
        return absl::InvalidArgumentError(
            absl::StrCat(setting.source, value, " ", status.message()));
      }
      given.insert(option.name);
      break;
    }
  }
  return given;
}

int DefaultHashWorkers(const Config& config, const Machine& machine) {
  const std::int64_t each = std::int64_t{config.argon2_memory_kib} * 1024;
  const std::int64_t fitting = std::max<std::int64_t>(MaxHashMemoryBytes(machine) / each, 1);
  return static_cast<int>(std::min<std::int64_t>(machine.cpus, fitting));
}

// The defaults that depend on the machine or on other options.
void FillIn(const std::set<std::string>& given, const Machine& machine, Config* config) {
  const bool loopback = config->listen.IsLoopback();
  if (given.count("reflection") == 0) config->reflection = loopback;
  if (given.count("drain-delay") == 0) {
    config->drain_delay = std::chrono::seconds(loopback ? 0 : 5);
  }
  if (given.count("log-format") == 0) {
    config->log_format = machine.stderr_is_terminal ? ops::LogFormat::kText : ops::LogFormat::kJson;
  }
  if (given.count("hash-workers") == 0) {
    config->hash_workers = DefaultHashWorkers(*config, machine);
  }
}

absl::StatusOr<Config> BuildConfig(CommandLine line, const Environment& environment,
                                   const Machine& machine, const std::vector<Option>& options) {
  absl::StatusOr<std::vector<Settings>> sources =
      ReadSources(std::move(line), environment, options);
  if (!sources.ok()) return sources.status();
  absl::Status status = KeepOneDatabase(&*sources);
  if (!status.ok()) return status;

  Config config;
  const absl::StatusOr<std::set<std::string>> given = Apply(*sources, options, &config);
  if (!given.ok()) return given.status();
  FillIn(*given, machine, &config);
  absl::StatusOr<std::string> url = config.CurrentDatabaseUrl();
  if (!url.ok()) return url.status();
  config.database_url = *std::move(url);
  status = ValidateConfig(config, machine);
  if (!status.ok()) return status;
  return config;
}

}  // namespace

absl::StatusOr<std::string> Config::CurrentDatabaseUrl() const {
  return database_url_file.empty() ? database_url : ReadUrlFile(database_url_file);
}

absl::StatusOr<std::variant<Config, PrintAndExit>> LoadConfig(
    const std::vector<std::string>& arguments, const Environment& environment,
    const Machine& machine) {
  const std::vector<Option> options = AllOptions();
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments, options);
  if (!line.ok()) return line.status();
  if (line->help) return PrintAndExit{HelpText(options)};
  if (line->version) return PrintAndExit{absl::StrCat("auth_server ", Version(), "\n")};
  const bool print_config = line->print_config;
  absl::StatusOr<Config> config = BuildConfig(*std::move(line), environment, machine, options);
  if (!config.ok()) return config.status();
  if (print_config) return PrintAndExit{ConfigText(*config, options)};
  if (absl::Status status = CheckThatThereIsADatabase(*config); !status.ok()) return status;
  return *std::move(config);
}

std::string Version() { return AUTH_VERSION; }

}  // namespace auth::server
