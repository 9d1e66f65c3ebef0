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
  std::string identity;   // PEM: the certificates of the chain, and behind them the private key
  std::string client_ca;  // PEM; empty without mutual TLS
  WallTime not_after;     // when the first of the certificates in `identity` expires

  bool operator==(const TlsMaterial&) const = default;
};

// Reads the files and checks that TLS can work with them, as gRPC will: gRPC itself would take what
// is missing, mismatched or too weak for this machine's OpenSSL and fail each handshake, and an
// empty file ends the process. INVALID_ARGUMENT, with a sentence that names the flag and the file.
// An expired certificate is taken: some clients do not look, and a server that is not there serves
// nobody.
absl::StatusOr<TlsMaterial> ReadTlsFiles(const TlsFiles& files);

}  // namespace auth::rpc
