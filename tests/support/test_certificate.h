#pragma once

#include <string>

namespace auth::testing {

// A certificate and its key pair, both PEM. Valid for an hour.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

// Signed by itself, and its own authority: what trusts it, trusts nothing else. It is good for
// `hosts`, in OpenSSL's words, e.g. "DNS:localhost,IP:127.0.0.1".
TestCertificate MakeSelfSignedCertificate(const std::string& name, const std::string& hosts);
// The same with a key that OpenSSL finds too short for use: 512 bits of RSA.
TestCertificate MakeWeakCertificate(const std::string& name);
// Signed by `issuer`.
TestCertificate MakeCertificate(const std::string& name, const std::string& hosts,
                                const TestCertificate& issuer);

}  // namespace auth::testing
