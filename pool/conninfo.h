#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace auth::pool {

// The parameters of a libpq connection string, as written: neither libpq's defaults nor its
// environment variables are filled in yet. A value; holds the password.
class Conninfo {
 public:
  // Accepts a URI (postgresql://user:password@host/database) or keywords (host=… dbname=…).
  // Otherwise answers an SqlError of kind kConfiguration whose text holds no part of a password.
  static absl::StatusOr<Conninfo> Parse(const std::string& text);

  // Empty if it is not set.
  std::string Get(const std::string& keyword) const;
  void Set(const std::string& keyword, std::string value);
  void SetDefault(const std::string& keyword, std::string value);

  // One Conninfo for each of the comma-separated hosts, in order; at least one. libpq applies
  // connect_timeout to the hosts of one string only in its blocking calls, which we do not use.
  std::vector<Conninfo> SplitHosts() const;

  // The host name to look up before connecting; empty if there is none: for a unix socket, libpq's
  // default, or a hostaddr, which says the address already. Of one host only.
  std::string NameToResolve() const;

  // Whether a host is one of Neon's pooled endpoints: its first label ends in "-pooler".
  bool HasPoolerHost() const;

  // "host:port", "[::1]:port", or the directory of a unix socket; for messages.
  std::string Address() const;

  const std::map<std::string, std::string>& parameters() const { return parameters_; }

 private:
  std::map<std::string, std::string> parameters_;
};

// The connection string with its passwords replaced by ***, for logs. Takes malformed ones too, and
// then rather hides too much.
std::string RedactUrl(std::string_view url);

}  // namespace auth::pool
