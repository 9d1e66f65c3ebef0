#include "client/authctl/completion.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "client/authctl/command_table.h"

namespace auth::authctl {
namespace {

// --help and --version are the parser's.
const std::vector<OptionSpec>& ParserOptions() {
  static const auto* const options = new std::vector<OptionSpec>{
      {"--help", "", "Print help", nullptr}, {"--version", "", "Print the version", nullptr}};
  return *options;
}

std::vector<OptionSpec> AllGlobalOptions() {
  std::vector<OptionSpec> all = ParserOptions();
  for (const OptionGroup& group : GlobalOptions()) {
    all.insert(all.end(), group.options.begin(), group.options.end());
  }
  return all;
}

std::string Names(const std::vector<OptionSpec>& options) {
  return absl::StrJoin(options, " ",
                       [](std::string* out, const OptionSpec& option) { *out += option.name; });
}

// The options whose value satisfies a condition, once each, as alternatives of a shell's `case`.
template <typename Condition>
std::string Alternatives(Condition condition) {
  std::vector<std::string> names;
  const auto add = [&](const std::vector<OptionSpec>& options) {
    for (const OptionSpec& option : options) {
      if (condition(option)) names.push_back(option.name);
    }
  };
  for (const OptionGroup& group : GlobalOptions()) add(group.options);
  for (const CommandSpec& command : Commands()) add(command.options);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return absl::StrJoin(names, "|");
}

// 'text' as one word of a shell.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", R"('\'')"}}), "'");
}

std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> Groups() {
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> groups = {
      {"", SubcommandsOf("")}};
  for (const CommandGroup& group : CommandGroups()) {
    groups.emplace_back(group.name, SubcommandsOf(group.name));
  }
  return groups;
}

std::vector<std::string> KnownValues(const CommandSpec& command) {
  return command.arguments.empty() ? std::vector<std::string>() : command.arguments[0].known;
}

constexpr char kBash[] = R"(# bash completion for authctl
_authctl() {
  local cur=$${COMP_WORDS[COMP_CWORD]} previous='' command='' words='' options='' i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=$${COMP_WORDS[i]}
    [[ $$word == = ]] && continue # bash takes --option=value apart
    case $$previous in
      $0) previous='' && continue ;;
    esac
    previous=$$word
    [[ $$word == -* ]] && continue
    case "$${command:+$$command }$$word" in
      $1) command=$${command:+$$command }$$word ;;
    esac
  done
  if [[ $$cur == = ]]; then cur=''; fi
  case $$previous in
    $2)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$$cur")
      return
      ;;
    $5) return ;;
  esac
  case $$command in
$3  esac
  if [[ $$cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$$options $4" -- "$$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$$words" -- "$$cur")
  fi
}
complete -F _authctl authctl
)";

std::string Bash() {
  std::vector<std::string> paths;
  std::string cases;
  for (const auto& [path, subcommands] : Groups()) {
    if (!path.empty()) paths.push_back(Quoted(path));
    std::vector<std::string> names;
    for (const auto& [name, help] : subcommands) names.push_back(name);
    absl::StrAppend(&cases, "    ", Quoted(path), ") words=", Quoted(absl::StrJoin(names, " ")),
                    " ;;\n");
  }
  for (const CommandSpec& command : Commands()) {
    if (command.hidden) continue;
    paths.push_back(Quoted(command.name));
    absl::StrAppend(&cases, "    ", Quoted(command.name),
                    ") words=", Quoted(absl::StrJoin(KnownValues(command), " ")),
                    " options=", Quoted(Names(command.options)), " ;;\n");
  }
  return absl::Substitute(
      kBash, Alternatives([](const OptionSpec& option) { return !option.value.empty(); }),
      absl::StrJoin(paths, "|"),
      Alternatives([](const OptionSpec& option) { return option.value == "FILE"; }), cases,
      Names(AllGlobalOptions()), Alternatives([](const OptionSpec& option) {
        return !option.value.empty() && option.value != "FILE";
      }));
}

// An argument of zsh's _arguments: '--server=[Address]:HOST\:PORT:'.
std::string ZshOption(const OptionSpec& option) {
  const std::string help =
      absl::StrReplaceAll(option.help, {{"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
  std::string value;
  if (!option.value.empty()) {
    value = absl::StrCat(":", absl::StrReplaceAll(option.value, {{":", "\\:"}}), ":",
                         option.value == "FILE" ? "_files" : "");
  }
  return Quoted(absl::StrCat(option.name, value.empty() ? "" : "=", "[", help, "]", value));
}

std::string ZshArguments(const std::vector<OptionSpec>& options) {
  std::string arguments;
  for (const OptionSpec& option : options) arguments += " " + ZshOption(option);
  return arguments;
}

std::string ZshCommands(const std::vector<std::pair<std::string, std::string>>& commands) {
  return absl::StrJoin(commands, " ", [](std::string* out, const auto& command) {
    *out += Quoted(
        absl::StrCat(absl::StrReplaceAll(command.first, {{":", "\\:"}}), ":", command.second));
  });
}

constexpr char kZsh[] = R"(#compdef authctl
_authctl() {
  local -a globals commands
  local context state state_descr line
  typeset -A opt_args
  globals=($0)
  _arguments -C $$globals '1:command:->command' '*::argument:->argument' && return
  if [[ $$state == command ]]; then
    commands=($1)
    _describe command commands
    return
  fi
  case $$words[1] in
$2  esac
}
compdef _authctl authctl 2>/dev/null
[[ $$funcstack[1] == _authctl ]] && _authctl "$$@"
)";

std::string ZshCase(const CommandSpec& command, const std::string& word) {
  std::string arguments = "$globals" + ZshArguments(command.options);
  for (const ArgumentSpec& argument : command.arguments) {
    absl::StrAppend(
        &arguments, " ",
        Quoted(absl::StrCat(":", argument.name, ":",
                            argument.known.empty()
                                ? ""
                                : absl::StrCat("(", absl::StrJoin(argument.known, " "), ")"))));
  }
  return absl::StrCat("    ", word, ") _arguments ", arguments, " ;;\n");
}

std::string Zsh() {
  std::string cases;
  for (const CommandSpec& command : Commands()) {
    if (!command.hidden && command.name.find(' ') == std::string::npos) {
      cases += ZshCase(command, command.name);
    }
  }
  for (const CommandGroup& group : CommandGroups()) {
    absl::StrAppend(&cases, "    ", group.name, ")\n      if ((CURRENT == 2)); then commands=(",
                    ZshCommands(SubcommandsOf(group.name)),
                    "); _describe command commands; return; fi\n"
                    "      shift words; ((CURRENT--))\n      case $words[1] in\n");
    for (const CommandSpec& command : Commands()) {
      const size_t space = command.name.find(' ');
      if (command.name.substr(0, space) != group.name) continue;
      cases += "    " + ZshCase(command, command.name.substr(space + 1));
    }
    cases += "      esac ;;\n";
  }
  return absl::Substitute(kZsh, ZshArguments(AllGlobalOptions()), ZshCommands(SubcommandsOf("")),
                          cases);
}

std::string FishOptions(const std::vector<OptionSpec>& options, const std::string& condition) {
  std::string lines;
  for (const OptionSpec& option : options) {
    absl::StrAppend(&lines, "complete -c authctl",
                    condition.empty() ? "" : absl::StrCat(" -n ", Quoted(condition)), " -l ",
                    option.name.substr(2), option.value.empty() ? "" : " -r",
                    option.value == "FILE" ? " -F" : " -f", " -d ", Quoted(option.help), "\n");
  }
  return lines;
}

std::string FishWords(const std::string& condition, const std::string& word,
                      const std::string& help) {
  return absl::StrCat("complete -c authctl -n ", Quoted(condition), " -f -a ", word,
                      help.empty() ? "" : absl::StrCat(" -d ", Quoted(help)), "\n");
}

// The condition of a command "pool status": both words have been typed.
std::string FishSeen(const std::string& name) {
  return "__fish_seen_subcommand_from " +
         absl::StrReplaceAll(name, {{" ", "; and __fish_seen_subcommand_from "}});
}

std::string Fish() {
  std::string script = "# fish completion for authctl\ncomplete -c authctl -f\n";
  script += FishOptions(AllGlobalOptions(), "");
  for (const auto& [path, subcommands] : Groups()) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition = FishSeen(path) + "; and not __fish_seen_subcommand_from";
      for (const auto& [name, help] : subcommands) condition += " " + name;
    }
    for (const auto& [name, help] : subcommands) script += FishWords(condition, name, help);
  }
  for (const CommandSpec& command : Commands()) {
    if (command.hidden) continue;
    script += FishOptions(command.options, FishSeen(command.name));
    for (const std::string& value : KnownValues(command)) {
      script += FishWords(FishSeen(command.name), value, "");
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(const std::string& shell) {
  if (shell == "zsh") return Zsh();
  return shell == "fish" ? Fish() : Bash();
}

}  // namespace auth::authctl
