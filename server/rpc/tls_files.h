#pragma once

#include <string>

#include "absl/status/status.h"

namespace auth::rpc {

// PEM files of the server's identity. They are watched: a renewed certificate is used without a
// restart.
struct TlsFiles {
  std::string cert;       // certificate chain, the server's own first
  std::string key;        // private key of `cert`
  std::string client_ca;  // if set, clients must show a certificate of this authority

  bool enabled() const { return !cert.empty() || !key.empty() || !client_ca.empty(); }
};

// gRPC itself would start with missing or mismatched files and then fail each handshake. Checks
// that the files are complete, readable, and that the key belongs to the certificate;
// INVALID_ARGUMENT with a sentence that names the flag and the file.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace auth::rpc
