#pragma once

#include <string>

namespace auth::testing {

// A key pair and a certificate for the host name `name`, signed by itself; both PEM. Valid for an
// hour, and its own authority: what trusts it, trusts nothing else.
struct SelfSignedCertificate {
  std::string certificate;
  std::string key;
};
SelfSignedCertificate MakeSelfSignedCertificate(const std::string& name);

}  // namespace auth::testing
