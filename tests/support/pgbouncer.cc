#include "tests/support/pgbouncer.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "pool/conninfo.h"
#include "tests/support/postgres_url.h"

namespace auth::testing {
namespace {

constexpr char kProgram[] = "/usr/sbin/pgbouncer";

// A login that failed is repeated after a second; the default is 15, as long as our calls' longest
// deadline, during which the pooler does not notice that its server is back.
const PgBouncer::Settings kSettings = {
    {"pool_mode", "transaction"}, {"auth_type", "scram-sha-256"}, {"listen_addr", "127.0.0.1"},
    {"unix_socket_dir", ""},      {"server_login_retry", "1"},
};

}  // namespace

PgBouncer::PgBouncer(const std::string& postgres_url, const Settings& settings)
    : server_(kProgram) {
  const absl::StatusOr<pool::Conninfo> postgres = pool::Conninfo::Parse(postgres_url);
  if (!postgres.ok()) throw std::runtime_error(std::string(postgres.status().message()));
  const std::string users = server_.Write(
      "users.txt",
      absl::StrCat("\"", postgres->Get("user"), "\" \"", postgres->Get("password"), "\"\n"));
  std::string text = absl::StrCat("[databases]\n* = host=", postgres->Get("host"),
                                  " port=", postgres->Get("port"), "\n[pgbouncer]\n");
  absl::StrAppend(&text, "listen_port = ", server_.port(), "\nauth_file = ", users, "\n");
  for (const Settings& lines : {kSettings, settings}) {
    for (const auto& [name, value] : lines) absl::StrAppend(&text, name, " = ", value, "\n");
  }
  settings_file_ = server_.Write("pgbouncer.ini", text);
  Start();
}

std::string PgBouncer::Through(const std::string& url) const {
  return WithLoopbackPort(url, server_.port());
}

void PgBouncer::Start() { server_.Start({settings_file_}); }

}  // namespace auth::testing
