#include "pool/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pool/sql_error.h"

namespace auth::pool {
namespace {

constexpr std::string_view kHidden = "***";

absl::Status Malformed(std::string_view reason) {
  return MakeSqlStatus(
      SqlFault::kConfiguration,
      absl::StrCat("the database URL is malformed", absl::string_view(reason.data(), reason.size()),
                   ": write postgresql://user:password@host:port/database and percent-encode "
                   "special characters of the password (@ is %40, / is %2F, % is %25)"));
}

// libpq quotes the text that it stumbled over, which may be the password: only complaints about an
// option's name are passed on, if the name is no piece of what is redacted.
absl::Status MalformedAsLibpqSays(const char* message, std::string_view url) {
  const std::string_view text = message == nullptr ? "" : message;
  const size_t quote = text.find('"');
  const size_t last_quote = text.rfind('"');
  const std::string_view complaint = text.substr(0, quote);
  if (quote == last_quote ||
      (complaint != "invalid connection option " && complaint != "invalid URI query parameter: ")) {
    return Malformed("");
  }
  const std::string_view name = text.substr(quote + 1, last_quote - quote - 1);
  if (RedactUrl(url).find(name) == std::string::npos) return Malformed("");
  return Malformed(" (" + std::string(text.substr(0, last_quote + 1)) + ")");
}

std::vector<std::string> SplitList(const std::string& list) {
  if (list.empty()) return {};
  return absl::StrSplit(list, ',');
}

// A path, or an abstract socket of Linux.
bool IsSocketDirectory(std::string_view host) {
  return host.starts_with('/') || host.starts_with('@');
}

// A port that is none may be the beginning of a password with an unescaped slash.
bool ArePorts(const std::vector<std::string>& ports) {
  return std::all_of(ports.begin(), ports.end(), [](const std::string& port) {
    int number = 0;
    return port.empty() || (absl::SimpleAtoi(port, &number) && number > 0 && number < 65536);
  });
}

// Also of schemes that libpq does not know; a keyword's value may hold "://" too.
bool IsUri(std::string_view text) {
  const size_t scheme_end = text.find("://");
  return scheme_end != std::string_view::npos && text.find('=') > scheme_end;
}

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Where the value that begins at `begin` ends: at an unescaped space, or after a quoted string.
// What follows an end quote without a space belongs to a value whose own quotes are not escaped: it
// has no end that can be told.
size_t EndOfKeywordValue(std::string_view text, size_t begin) {
  const bool quoted = begin < text.size() && text[begin] == '\'';
  for (size_t i = quoted ? begin + 1 : begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (!quoted && IsSpace(text[i])) {
      return i;
    } else if (quoted && text[i] == '\'') {
      return i + 1 < text.size() && !IsSpace(text[i + 1]) ? text.size() : i + 1;
    }
  }
  return text.size();
}

// Hides the values of `password`, `sslpassword` and the like in a query string or a keyword list.
std::string HideNamedPasswords(std::string_view text, bool uri) {
  constexpr std::string_view kName = "password";
  std::string redacted;
  size_t done = 0;
  for (size_t at = text.find(kName); at != std::string_view::npos; at = text.find(kName, done)) {
    size_t begin = at + kName.size();
    const auto skip_spaces = [&] {
      while (begin < text.size() && IsSpace(text[begin])) ++begin;
    };
    skip_spaces();
    const bool is_assignment = begin < text.size() && text[begin] == '=';
    if (is_assignment) {
      ++begin;
      if (!uri) skip_spaces();
    }
    redacted.append(text.substr(done, begin - done));
    done = begin;
    if (!is_assignment) continue;
    redacted.append(kHidden);
    done = uri ? std::min(text.find('&', begin), text.size()) : EndOfKeywordValue(text, begin);
  }
  redacted.append(text.substr(done));
  return redacted;
}

}  // namespace

absl::StatusOr<Conninfo> Conninfo::Parse(const std::string& text) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(text.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> message_owner(message, &PQfreemem);
  if (options == nullptr) return MalformedAsLibpqSays(message, text);
  Conninfo conninfo;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) conninfo.Set(option->keyword, option->val);
  }

  const std::string host = conninfo.Get("host");
  if (host.find('@', 1) != std::string::npos) {
    return Malformed("");  // a piece of the password; a leading @ is an abstract unix socket
  }
  const size_t hosts = SplitList(host).size();
  const size_t addresses = SplitList(conninfo.Get("hostaddr")).size();
  const std::vector<std::string> ports = SplitList(conninfo.Get("port"));
  if (!ArePorts(ports)) return Malformed(" (a port is a number)");
  if (hosts != 0 && addresses != 0 && hosts != addresses) {
    return Malformed(" (host and hostaddr name different numbers of servers)");
  }
  if (ports.size() > 1 && ports.size() != std::max(hosts, addresses)) {
    return Malformed(" (give one port, or one for each host)");
  }
  return conninfo;
}

std::string Conninfo::Get(const std::string& keyword) const {
  const auto found = parameters_.find(keyword);
  return found == parameters_.end() ? "" : found->second;
}

void Conninfo::Set(const std::string& keyword, std::string value) {
  parameters_[keyword] = std::move(value);
}

void Conninfo::SetDefault(const std::string& keyword, std::string value) {
  parameters_.emplace(keyword, std::move(value));
}

std::vector<Conninfo> Conninfo::SplitHosts() const {
  const std::vector<std::string> hosts = SplitList(Get("host"));
  const std::vector<std::string> addresses = SplitList(Get("hostaddr"));
  const std::vector<std::string> ports = SplitList(Get("port"));
  const size_t count = std::max(hosts.size(), addresses.size());
  if (count <= 1) return {*this};
  std::vector<Conninfo> each(count, *this);
  for (size_t i = 0; i < count; ++i) {
    if (!hosts.empty()) each[i].Set("host", hosts[i]);
    if (!addresses.empty()) each[i].Set("hostaddr", addresses[i]);
    if (ports.size() > 1) each[i].Set("port", ports[i]);
  }
  return each;
}

std::string Conninfo::NameToResolve() const {
  const std::string host = Get("host");
  return IsSocketDirectory(host) || !Get("hostaddr").empty() ? "" : host;
}

bool Conninfo::HasPoolerHost() const {
  for (const std::string& host : SplitList(Get("host"))) {
    if (absl::EndsWith(host.substr(0, host.find('.')), "-pooler")) return true;
  }
  return false;
}

std::string Conninfo::Address() const {
  std::string host = Get("host");
  if (host.empty()) host = Get("hostaddr");
  if (host.empty()) return "the default host";
  if (IsSocketDirectory(host)) return host;
  if (absl::StrContains(host, ':')) host = absl::StrCat("[", host, "]");
  const std::string port = Get("port");
  return absl::StrCat(host, ":", port.empty() ? "5432" : port);
}

std::string RedactUrl(std::string_view url) {
  if (!IsUri(url)) return HideNamedPasswords(url, /*uri=*/false);
  // The last @ and not the first: an unescaped @ in the password must not reveal what follows it.
  const size_t user = url.find("://") + 3;
  const size_t at = url.rfind('@');
  const size_t colon = url.find(':', user);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) {
    return HideNamedPasswords(url, /*uri=*/true);
  }
  return absl::StrCat(std::string(url.substr(0, colon + 1)), std::string(kHidden),
                      HideNamedPasswords(url.substr(at), /*uri=*/true));
}

}  // namespace auth::pool
