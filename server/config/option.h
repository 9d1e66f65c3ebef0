#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/config.h"

namespace auth::server {

// One setting of auth_server: its flag, its environment variable, its line in a configuration file,
// its help and its place in Config all come from here.
struct Option {
  std::string group{};       // heading in --help
  std::string name{};        // "listen": flag --listen, variable AUTH_LISTEN, file `listen = …`
  std::string value_name{};  // "ADDRESS"; empty: a switch, whose value is on or off
  std::string help{};
  // The words for a default that depends on the machine or on other options; else empty.
  std::string default_text{};
  bool secret = false;
  // Whether an empty value means something. It counts as not given otherwise, because deployment
  // tools pass empty variables for what nobody set.
  bool empty_has_meaning = false;
  // Reads a value; an error completes the sentence "--listen (the value) …".
  std::function<absl::Status(const std::string& text, Config* config)> set{};
  // Writes it as `set` reads it, secrets redacted.
  std::function<std::string(const Config& config)> show{};
};

// "AUTH_MAX_DEADLINE" for "max-deadline".
std::string EnvironmentName(const std::string& option_name);

// A value as it was found, and where, in the user's words: "--listen", "AUTH_LISTEN", "listen in
// auth.conf".
struct Setting {
  std::string text;
  std::string source;
};
// What one source (command line, environment, file) sets, by the option's name.
using Settings = std::map<std::string, Setting>;

}  // namespace auth::server
