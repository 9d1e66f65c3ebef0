#include "server/rpc/json_request.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/account/errors.h"

namespace auth::rpc {
namespace {

struct Alias {
  std::string_view verb;
  std::string_view path;
  std::string_view method;
  bool bearer_session;
};

constexpr Alias kAliases[] = {
    {"POST", "/auth/signup", "auth.v1.AuthService/Register", false},
    {"POST", "/auth/signin", "auth.v1.AuthService/SignIn", false},
    {"GET", "/auth/session", "auth.v1.AuthService/ValidateSession", true},
    {"POST", "/auth/signout", "auth.v1.AuthService/SignOut", true},
};

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

JsonTarget TargetOf(std::string_view path) {
  const auto* alias = std::find_if(std::begin(kAliases), std::end(kAliases),
                                   [&](const Alias& each) { return each.path == path; });
  if (alias != std::end(kAliases)) {
    return {std::string(alias->method), alias->verb, alias->bearer_session};
  }
  if (!path.empty()) path.remove_prefix(1);
  return {std::string(path), "POST", false};
}

std::vector<std::string> AliasNames() {
  std::vector<std::string> names;
  for (const Alias& alias : kAliases) {
    names.push_back(absl::StrCat(ToAbsl(alias.verb), " ", ToAbsl(alias.path)));
  }
  return names;
}

std::optional<BodyFormat> FormatOf(std::string_view content_type) {
  const absl::string_view type =
      absl::StripAsciiWhitespace(ToAbsl(content_type.substr(0, content_type.find(';'))));
  if (absl::EqualsIgnoreCase(type, "application/json")) return BodyFormat::kJson;
  if (absl::EqualsIgnoreCase(type, "application/proto")) return BodyFormat::kProto;
  return std::nullopt;
}

absl::Status ReadTimeout(const ops::HttpRequest& request, WallTime now,
                         std::optional<WallTime>* deadline) {
  const std::string_view text = request.Header("Connect-Timeout-Ms");
  if (text.empty()) return absl::OkStatus();
  constexpr std::size_t kMaxDigits = 10;  // says the protocol
  std::int64_t milliseconds = 0;
  if (text.size() > kMaxDigits || !absl::SimpleAtoi(ToAbsl(text), &milliseconds) ||
      milliseconds < 0) {
    return account::Malformed("The header Connect-Timeout-Ms must be a number of up to 10 digits.");
  }
  *deadline = now + std::chrono::milliseconds(milliseconds);
  return absl::OkStatus();
}

}  // namespace auth::rpc
