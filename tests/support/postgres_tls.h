#pragma once

#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {

// Settings of a TestPostgres that serves TLS with this certificate. Its files are written to
// `directory`, which must outlive the server; clients trust `directory`/server.crt.
//
//   TestPostgres postgres(TlsSettings(directory, MakeSelfSignedCertificate("db",
//   "DNS:localhost")));
TestPostgres::Settings TlsSettings(const TemporaryDirectory& directory,
                                   const TestCertificate& certificate);

}  // namespace auth::testing
