#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "pool/clock.h"

namespace auth::rpc {

// PEM files of the server's identity. They are watched: a renewed certificate is used without a
// restart (TlsReloader).
struct TlsFiles {
  std::string cert;       // certificate chain, the server's own first
  std::string key;        // private key of `cert`
  std::string client_ca;  // if set, clients must show a certificate of one of its authorities

  bool enabled() const { return !cert.empty() || !key.empty() || !client_ca.empty(); }
};

// What the files held at one moment.
struct TlsMaterial {
  std::string identity;   // PEM: the certificate chain, and behind it the private key
  std::string client_ca;  // PEM; empty without mutual TLS
  WallTime not_after;     // when the first of the certificates in `identity` expires

  bool operator==(const TlsMaterial&) const = default;
};

// Reads the files and checks that gRPC can work with them: gRPC itself would take missing or
// mismatched ones and fail each handshake, and an empty one ends the process. INVALID_ARGUMENT,
// with a sentence that names the flag and the file, unless they are complete, readable to their
// end, and the key belongs to the certificate. An expired certificate is taken: some clients do
// not look, and a server that is not there serves nobody.
absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files);

}  // namespace auth::rpc
