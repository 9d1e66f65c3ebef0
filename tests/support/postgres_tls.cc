#include "tests/support/postgres_tls.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

namespace auth::testing {

TestPostgres::Settings TlsSettings(const TemporaryDirectory& directory,
                                   const TestCertificate& certificate) {
  const std::string file = directory.Write("server.crt", certificate.certificate);
  const std::string key = directory.Write("server.key", certificate.key);
  // PostgreSQL refuses a key that others can read; as root it runs as the user `postgres`.
  chmod(key.c_str(), 0600);
  const passwd* owner = getuid() == 0 ? getpwnam("postgres") : nullptr;
  if (owner != nullptr && chown(key.c_str(), owner->pw_uid, owner->pw_gid) != 0) {
    throw std::runtime_error("cannot give the key to the user postgres");
  }
  return {{"ssl", "on"}, {"ssl_cert_file", file}, {"ssl_key_file", key}};
}

}  // namespace auth::testing
