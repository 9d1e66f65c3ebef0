#include "tests/support/database_role.h"

#include "absl/strings/str_cat.h"

namespace auth::testing {
namespace {

std::string DatabaseOf(const std::string& url) { return url.substr(url.rfind('/') + 1); }

}  // namespace

DatabaseRole::DatabaseRole(TestPostgres* postgres, const std::string& url)
    : postgres_(postgres),
      superuser_url_(url),
      name_(DatabaseOf(url) + "_owner"),
      password_("first") {
  postgres_->Execute(absl::StrCat("CREATE ROLE ", name_, " LOGIN PASSWORD '", password_, "'"));
  postgres_->Execute(absl::StrCat("ALTER DATABASE ", DatabaseOf(url), " OWNER TO ", name_));
}

std::string DatabaseRole::url() const {
  const size_t user = superuser_url_.find("//") + 2;
  const size_t host = superuser_url_.find('@');
  return absl::StrCat(superuser_url_.substr(0, user), name_, ":", password_,
                      superuser_url_.substr(host));
}

void DatabaseRole::SetPassword(const std::string& password) {
  postgres_->Execute(absl::StrCat("ALTER ROLE ", name_, " PASSWORD '", password, "'"));
  password_ = password;
}

int DatabaseRole::Sessions() const {
  return std::stoi(postgres_->QueryValue(
      absl::StrCat("SELECT count(*) FROM pg_stat_activity WHERE usename = '", name_, "'")));
}

int DatabaseRole::KillSessions() const {
  return std::stoi(postgres_->QueryValue(absl::StrCat(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '", name_,
      "'")));
}

}  // namespace auth::testing
