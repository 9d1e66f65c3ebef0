#include "pool/host_resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "absl/strings/str_cat.h"
#include "pool/sql_error.h"

namespace auth::pool {
namespace {

absl::Status Unresolved(const std::string& host, int error) {
  return MakeSqlStatus(SqlFault::kLost, absl::StrCat("could not translate host name \"", host,
                                                     "\" to address: ", gai_strerror(error)));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ResolveHost(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;  // each address once
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (error != 0) return Unresolved(host, error);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);

  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text;
    const int unprintable = getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(),
                                        nullptr, 0, NI_NUMERICHOST);
    if (unprintable != 0) return Unresolved(host, unprintable);
    addresses.emplace_back(text.data());
  }
  return addresses;
}

}  // namespace auth::pool
