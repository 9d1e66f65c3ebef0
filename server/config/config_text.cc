#include "server/config/config_text.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "pool/conninfo.h"
#include "pool/pqxx_connection_factory.h"
#include "server/config/duration_flag.h"

namespace auth::server {
namespace {

constexpr std::size_t kWidth = 96;
constexpr std::size_t kIndent = 6;

constexpr char kUsage[] = R"(Usage: auth_server [FLAG...]

Registers and signs in users over gRPC, on a validated PostgreSQL connection pool.

Each flag is also an environment variable (--max-deadline is AUTH_MAX_DEADLINE) and a line of the
file that --config names (max-deadline = 15s). A flag wins over the environment, the environment
over the file. TIME is written 500ms, 10s, 5m or 24h.
)";

constexpr char kOther[] = R"(
Other:
  --config FILE
      Read options from FILE, one `name = value` a line; # begins a comment line.
  --print-config
      Print the effective configuration, secrets redacted, and exit.
  --version
      Print the version and exit.
  -h, --help
      Print this and exit.

Exit codes: 0 stopped cleanly, 1 failed, 2 wrong configuration.
)";

// `text` in lines of kWidth, indented.
std::string Wrap(const std::string& text) {
  std::string wrapped;
  std::string line;
  const auto end_line = [&] {
    absl::StrAppend(&wrapped, std::string(kIndent, ' '), line, "\n");
    line.clear();
  };
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!line.empty() && kIndent + line.size() + 1 + word.size() > kWidth) end_line();
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  end_line();
  return wrapped;
}

std::string DefaultText(const Option& option) {
  if (!option.default_text.empty()) return option.default_text;
  const std::string shown = option.show(Config{});
  return shown.empty() ? "none" : shown;
}

// `value` as ReadConfigFile reads it back: in quotes if it would be trimmed or unquoted.
std::string Quoted(const std::string& value) {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  if (!is_quoted && absl::StripAsciiWhitespace(value) == value) return value;
  return absl::StrCat("\"", value, "\"");
}

// What a role needs where start-up options are refused; the values are those that the pool asks for
// on a direct connection.
std::string AlterRoleStatements(const std::string& database_url) {
  const absl::StatusOr<pool::Conninfo> conninfo = pool::Conninfo::Parse(database_url);
  const std::string user = conninfo.ok() ? conninfo->Get("user") : "";
  const std::string role =
      user.empty() ? "CURRENT_USER"
                   : absl::StrCat("\"", absl::StrReplaceAll(user, {{"\"", "\"\""}}), "\"");
  std::string text =
      "\n# Through a transaction pooler these cannot be set by the server. Run them once, as the "
      "role\n# itself or its administrator:\n";
  const pool::PqxxConnectionFactory::Options options;
  const std::pair<const char*, Duration> settings[] = {
      {"statement_timeout", options.statement_timeout},
      {"lock_timeout", options.lock_timeout},
      {"client_connection_check_interval", options.client_connection_check_interval}};
  for (const auto& [setting, duration] : settings) {
    absl::StrAppend(&text, "# ALTER ROLE ", role, " SET ", setting, " = '",
                    FormatDuration(duration), "';\n");
  }
  return text;
}

bool ThroughTransactionPooler(const Config& config) {
  if (config.pool_mode != PoolMode::kAuto) return config.pool_mode == PoolMode::kTransaction;
  const absl::StatusOr<pool::Conninfo> conninfo = pool::Conninfo::Parse(config.database_url);
  return conninfo.ok() && conninfo->HasPoolerHost();
}

}  // namespace

std::string HelpText(const std::vector<Option>& options) {
  std::string text = kUsage;
  std::string group;
  for (const Option& option : options) {
    if (option.group != group) {
      group = option.group;
      absl::StrAppend(&text, "\n", group, ":\n");
    }
    absl::StrAppend(&text, "  --", option.name, option.value_name.empty() ? "" : " ",
                    option.value_name, "\n",
                    Wrap(absl::StrCat(option.help, " [", DefaultText(option), "]")));
  }
  return text + kOther;
}

std::string ConfigText(const Config& config, const std::vector<Option>& options) {
  std::string text =
      absl::StrCat("# The effective configuration of auth_server ", Version(), ".\n");
  std::string group;
  for (const Option& option : options) {
    if (option.group != group) {
      group = option.group;
      absl::StrAppend(&text, "\n# ", group, "\n");
    }
    const std::string value = Quoted(option.show(config));
    absl::StrAppend(&text, option.name, " =", value.empty() ? "" : " ", value, "\n");
  }
  if (ThroughTransactionPooler(config)) text += AlterRoleStatements(config.database_url);
  return text;
}

}  // namespace auth::server
