// Addresses of listeners.

#include <string>

#include "server/listen_address.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

using server::ListenAddress;

void FuzzOne(std::string_view input) {
  const absl::StatusOr<ListenAddress> address = ListenAddress::Parse(input);
  if (!address.ok()) {
    Expect(!address.status().message().empty(), "a refusal says why");
    return;
  }
  Expect(!address->host.empty() && !address->DialHost().empty(), "an address has a host");
  const absl::StatusOr<ListenAddress> again = ListenAddress::Parse(address->ToString());
  Expect(again.ok() && again->host == address->host && again->port == address->port,
         "an address is read as it was written");
  Expect(again->IsLoopback() == address->IsLoopback(),
         "who may connect does not depend on spelling");
}

}  // namespace auth::testing
