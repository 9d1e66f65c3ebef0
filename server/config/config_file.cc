#include "server/config/config_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/config/closest_name.h"

namespace auth::server {
namespace {

std::string Unquoted(absl::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return std::string(quoted ? value.substr(1, value.size() - 2) : value);
}

// A line of the file, as `where`.
absl::Status ReadLine(absl::string_view line, const std::string& where,
                      const std::vector<Option>& options, Settings* settings) {
  const auto error = [&](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
  };
  const std::size_t equals = line.find('=');
  if (equals == absl::string_view::npos) return error("write `name = value`");
  const std::string name(absl::StripAsciiWhitespace(line.substr(0, equals)));
  const std::string value = Unquoted(absl::StripAsciiWhitespace(line.substr(equals + 1)));

  const auto option = std::find_if(options.begin(), options.end(),
                                   [&](const Option& each) { return each.name == name; });
  if (option == options.end()) {
    std::vector<std::string> names;
    for (const Option& each : options) names.push_back(each.name);
    return error(
        absl::StrCat("`", name, "` is no option; did you mean ", ClosestName(name, names), "?"));
  }
  if (settings->count(name) != 0) return error(absl::StrCat(name, " is set twice"));
  if (value.empty() && !option->empty_has_meaning) return absl::OkStatus();
  (*settings)[name] = {value, absl::StrCat(name, " in ", where)};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Settings> ReadConfigFile(const std::string& path,
                                        const std::vector<Option>& options) {
  std::ifstream file(path);
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the configuration file ", path, ": ", std::strerror(errno)));
  }
  Settings settings;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text.front() == '#') continue;
    const absl::Status status =
        ReadLine(text, absl::StrCat(path, " line ", number), options, &settings);
    if (!status.ok()) return status;
  }
  if (file.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the configuration file ", path));
  }
  return settings;
}

}  // namespace auth::server
