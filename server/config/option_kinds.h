#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/duration_flag.h"
#include "server/config/option.h"

// How values of each kind are read and written. `field` is the option's place in a Config: a member
// pointer such as &Config::hash_queue, or a function from a Config& to the member.
namespace auth::server {

// A whole number from `least` to `most`.
template <typename Field>
Option WithInteger(Option option, Field field, int least, int most) {
  if (option.value_name.empty()) option.value_name = "N";
  option.set = [field, least, most](const std::string& text, Config* config) -> absl::Status {
    std::int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < least || number > most) {
      return absl::InvalidArgumentError(
          absl::StrCat("must be a whole number from ", least, " to ", most));
    }
    auto& place = std::invoke(field, *config);
    place = static_cast<std::remove_reference_t<decltype(place)>>(number);
    return absl::OkStatus();
  };
  option.show = [field](const Config& config) { return absl::StrCat(std::invoke(field, config)); };
  return option;
}

// A duration of at least `least`.
template <typename Field>
Option WithDuration(Option option, Field field, Duration least) {
  option.value_name = "TIME";
  option.set = [field, least](const std::string& text, Config* config) -> absl::Status {
    const absl::StatusOr<Duration> duration = ParseDuration(text);
    if (!duration.ok()) return duration.status();
    if (*duration < least) {
      return absl::InvalidArgumentError(absl::StrCat("must be at least ", FormatDuration(least)));
    }
    std::invoke(field, *config) = *duration;
    return absl::OkStatus();
  };
  option.show = [field](const Config& config) {
    return FormatDuration(std::invoke(field, config));
  };
  return option;
}

template <typename Field>
Option WithText(Option option, Field field) {
  option.set = [field](const std::string& text, Config* config) {
    std::invoke(field, *config) = text;
    return absl::OkStatus();
  };
  option.show = [field](const Config& config) { return std::invoke(field, config); };
  return option;
}

// One of a few words.
template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

template <typename Field, typename Value>
Option WithWord(Option option, Field field, Words<Value> words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words) names.push_back(name);
  if (option.value_name.empty()) option.value_name = absl::StrJoin(names, "|");
  option.set = [field, words, names](const std::string& text, Config* config) -> absl::Status {
    for (const auto& [name, value] : words) {
      if (name != text) continue;
      std::invoke(field, *config) = value;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
  };
  option.show = [field, words](const Config& config) {
    for (const auto& [name, value] : words) {
      if (value == std::invoke(field, config)) return name;
    }
    return std::string();
  };
  return option;
}

template <typename Field>
Option WithOnOff(Option option, Field field) {
  return WithWord(std::move(option), field, Words<bool>{{"on", true}, {"off", false}});
}

// On if its flag stands alone on the command line; `on` or `off` elsewhere.
template <typename Field>
Option WithSwitch(Option option, Field field) {
  option = WithOnOff(std::move(option), field);
  option.value_name.clear();
  return option;
}

}  // namespace auth::server
