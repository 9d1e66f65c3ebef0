#include "server/rpc/access_policy.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/account/errors.h"

namespace auth::rpc {
namespace {

struct Rule {
  std::string_view method;
  Role role;
};

constexpr Rule kRules[] = {
    {"auth.v1.AuthService/Register", Role::kAnyone},
    {"auth.v1.AuthService/SignIn", Role::kAnyone},
    {"auth.v1.AuthService/ValidateSession", Role::kAnyone},
    {"auth.v1.AuthService/SignOut", Role::kAnyone},
    {"auth.v1.AuthService/GetUser", Role::kAnyone},
    {"auth.v1.AdminService/GetPoolStatus", Role::kAdmin},
    {"auth.v1.AdminService/WatchPoolStatus", Role::kAdmin},
    {"auth.v1.AdminService/RecreatePool", Role::kAdmin},
};

}  // namespace

AccessPolicy::Verdict AccessPolicy::Check(std::string_view method,
                                          std::string_view authorization) const {
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const Rule& each) { return each.method == method; });
  if (rule == std::end(kRules)) return {account::NotPermitted(), ""};
  if (rule->role == Role::kAnyone) return {absl::OkStatus(), ""};
  const std::string_view token = BearerToken(authorization);
  if (tokens_ == nullptr || token.empty()) {
    return {account::MakeError(account::Reason::kCallerNotAllowed), ""};
  }
  const std::optional<ServiceCaller> caller = tokens_->Find(token);
  if (!caller) return {account::MakeError(account::Reason::kCallerNotAllowed), ""};
  std::string name = absl::StrCat("service:", caller->name);
  if (caller->role != rule->role) return {account::NotPermitted(), std::move(name)};
  return {absl::OkStatus(), std::move(name)};
}

std::vector<std::pair<std::string_view, Role>> AccessPolicy::Table() {
  std::vector<std::pair<std::string_view, Role>> table;
  for (const Rule& rule : kRules) table.emplace_back(rule.method, rule.role);
  return table;
}

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!absl::StartsWithIgnoreCase({authorization.data(), authorization.size()},
                                  {kScheme.data(), kScheme.size()})) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  return authorization;
}

}  // namespace auth::rpc
