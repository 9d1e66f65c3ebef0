#include "server/config/environment.h"

#include <unistd.h>

#include <map>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/closest_name.h"
#include "server/config/options.h"

namespace auth::server {
namespace {

// Names that platforms give to a database's URL.
constexpr const char* kPlatformVariables[] = {"NEON_DB_URL", "DATABASE_URL"};

void AddPlatformDatabase(const Environment& environment, Settings* settings) {
  for (const char* name : kDatabaseOptions) {
    if (settings->count(name) != 0) return;
  }
  for (const char* variable : kPlatformVariables) {
    const auto found = environment.find(variable);
    if (found == environment.end() || found->second.empty()) continue;
    (*settings)["database-url"] = {found->second, variable};
    return;
  }
}

}  // namespace

bool IsServiceLink(const std::string& variable) {
  static const auto* const service_link = new std::regex(
      "[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_[A-Z0-9_]+)?)");
  return std::regex_match(variable, *service_link);
}

absl::StatusOr<Settings> ReadEnvironment(const Environment& environment,
                                         const std::vector<Option>& options) {
  std::map<std::string, const Option*> known = {{"AUTH_CONFIG", nullptr}};
  for (const Option& option : options) known[EnvironmentName(option.name)] = &option;
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const auto& [variable, option] : known) names.push_back(variable);

  Settings settings;
  std::vector<std::string> unknown;
  for (const auto& [variable, value] : environment) {
    if (!absl::StartsWith(variable, "AUTH_")) continue;
    const auto found = known.find(variable);
    if (found == known.end()) {
      if (IsServiceLink(variable)) continue;
      unknown.push_back(
          absl::StrCat(variable, " (did you mean ", ClosestName(variable, names), "?)"));
      continue;
    }
    const Option* option = found->second;
    if (value.empty() && (option == nullptr || !option->empty_has_meaning)) continue;
    settings[option == nullptr ? "config" : option->name] = {value, variable};
  }
  if (!unknown.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown environment variable ", absl::StrJoin(unknown, ", "), ": correct or unset it"));
  }
  AddPlatformDatabase(environment, &settings);
  return settings;
}

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

}  // namespace auth::server
