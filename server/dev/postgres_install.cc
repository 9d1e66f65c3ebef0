#include "server/dev/postgres_install.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace auth::dev {
namespace {

namespace fs = std::filesystem;

constexpr char kDebianDirectory[] = "/usr/lib/postgresql";
constexpr char kInstall[] = "install it with deploy/install-deps or apt-get install postgresql";

bool HoldsPostgres(const fs::path& directory) {
  return access((directory / "initdb").c_str(), X_OK) == 0 &&
         access((directory / "postgres").c_str(), X_OK) == 0;
}

std::optional<fs::path> NewestDebianVersion() {
  std::optional<fs::path> newest;
  long newest_version = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(kDebianDirectory, ignored)) {
    const long version = std::strtol(entry.path().filename().c_str(), nullptr, 10);
    if (version > newest_version && HoldsPostgres(entry.path() / "bin")) {
      newest_version = version;
      newest = entry.path() / "bin";
    }
  }
  return newest;
}

}  // namespace

absl::StatusOr<fs::path> FindPostgres(const std::optional<std::string>& version,
                                      const std::string& search_path) {
  if (version) {
    const fs::path directory = fs::path(kDebianDirectory) / *version / "bin";
    if (HoldsPostgres(directory)) return directory;
  } else if (const std::optional<fs::path> directory = NewestDebianVersion()) {
    return *directory;
  }
  const std::vector<std::string> entries = absl::StrSplit(search_path, ':', absl::SkipEmpty());
  for (const std::string& entry : entries) {
    if (HoldsPostgres(entry)) return fs::path(entry);
  }
  if (version) {
    return absl::FailedPreconditionError(
        absl::StrCat("this cluster was made by PostgreSQL ", *version,
                     ", which is not installed: apt-get install postgresql-", *version,
                     ", or choose another directory"));
  }
  return absl::FailedPreconditionError(absl::StrCat("PostgreSQL is not installed: ", kInstall));
}

absl::StatusOr<std::optional<SystemUser>> PostgresUser() {
  if (geteuid() != 0) return std::nullopt;
  passwd entry;
  passwd* found = nullptr;
  std::vector<char> buffer(1 << 14);
  getpwnam_r("postgres", &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "PostgreSQL does not run as root, and there is no user postgres to run it as: ", kInstall));
  }
  return SystemUser{"postgres", found->pw_uid, found->pw_gid};
}

}  // namespace auth::dev
