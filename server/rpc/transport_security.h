#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "server/rpc/tls_files.h"

namespace auth::rpc {

// Whether only this machine can connect to a listener on `host`, a name or an address without
// brackets: 127.0.0.0/8, ::1, localhost. A name that merely begins with "127." is somebody's
// domain.
bool IsLoopback(std::string_view host);

// Whether passwords may travel to a listener on `listen`, as HOST:PORT. INVALID_ARGUMENT for TLS
// files that cannot work, and without any for a place beyond loopback, unless plaintext is allowed.
absl::Status CheckTransport(const TlsFiles& tls, std::string_view listen, bool allow_plaintext);

}  // namespace auth::rpc
