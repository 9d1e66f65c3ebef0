#include "server/dev/cluster_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace auth::dev {
namespace {

namespace fs = std::filesystem;

constexpr char kSettingsFile[] = "embedded.conf";
constexpr char kStagingPrefix[] = "cluster.new.";
constexpr char kSocketDirectoryTemplate[] = "/tmp/auth-postgres-XXXXXX";

absl::Status FileError(const char* what, const fs::path& file, int error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot ", what, " ", file.string(), ": ", std::strerror(error)));
}

absl::Status FileError(const char* what, const fs::path& file, const std::error_code& error) {
  return FileError(what, file, error.value());
}

std::optional<std::string> ReadFile(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<std::string> ReadLine(const fs::path& file) {
  std::optional<std::string> text = ReadFile(file);
  if (text) absl::StripAsciiWhitespace(&*text);
  return text;
}

absl::Status SyncDirectory(const fs::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int failed = fd < 0 ? -1 : fsync(fd);
  const int error = errno;
  if (fd >= 0) close(fd);
  return failed == 0 ? absl::OkStatus() : FileError("sync", directory, error);
}

absl::StatusOr<std::string> RandomPassword() {
  std::array<char, 24> secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return absl::InternalError("getrandom failed");
  }
  return absl::BytesToHexString(absl::string_view(secret.data(), secret.size()));
}

}  // namespace

ClusterDirectory::ClusterDirectory(fs::path path, std::optional<SystemUser> owner, int lock)
    : path_(std::move(path)), owner_(std::move(owner)), lock_(lock) {}

ClusterDirectory::~ClusterDirectory() { close(lock_); }

absl::StatusOr<std::unique_ptr<ClusterDirectory>> ClusterDirectory::Open(
    const fs::path& path, const std::optional<SystemUser>& owner) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  const bool made = fs::create_directories(absolute, error);
  if (error) return FileError("make the directory", absolute, error);
  // The server's own user must be able to pass through to the cluster, nobody else has to.
  if (made && chmod(absolute.c_str(), owner ? 0711 : 0700) != 0) {
    return FileError("set the mode of", absolute, errno);
  }
  const fs::path file = absolute / "lock";
  const int lock = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return FileError("open", file, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::FailedPreconditionError(
        absl::StrCat("another process is using the private PostgreSQL in ", absolute.string(),
                     "; stop it or choose another directory"));
  }
  return std::unique_ptr<ClusterDirectory>(new ClusterDirectory(absolute, owner, lock));
}

std::optional<std::string> ClusterDirectory::Version() const {
  return ReadLine(data() / "PG_VERSION");
}

absl::Status ClusterDirectory::GiveToOwner(const fs::path& file) const {
  if (owner_ && lchown(file.c_str(), owner_->uid, owner_->gid) != 0) {
    return FileError("change the owner of", file, errno);
  }
  return absl::OkStatus();
}

absl::Status ClusterDirectory::WriteFile(const fs::path& file, const std::string& text) const {
  const fs::path fresh = file.string() + ".new";
  unlink(fresh.c_str());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("write", fresh, errno);
  const ssize_t written = write(fd, text.data(), text.size());
  const bool failed = written != static_cast<ssize_t>(text.size()) || fsync(fd) != 0;
  const int error = errno;
  close(fd);
  if (failed) return FileError("write", fresh, error);
  if (absl::Status status = GiveToOwner(fresh); !status.ok()) return status;
  if (rename(fresh.c_str(), file.c_str()) != 0) return FileError("write", file, errno);
  return absl::OkStatus();
}

absl::StatusOr<fs::path> ClusterDirectory::BeginCluster() {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, error)) {
    if (entry.path().filename().string().rfind(kStagingPrefix, 0) == 0) {
      fs::remove_all(entry.path(), error);
    }
  }
  if (error) return FileError("clear", path_, error);
  std::string staging = (path_ / kStagingPrefix).string() + "XXXXXX";
  if (mkdtemp(staging.data()) == nullptr) return FileError("make", staging, errno);
  if (absl::Status status = GiveToOwner(staging); !status.ok()) return status;
  absl::StatusOr<std::string> password = RandomPassword();
  if (!password.ok()) return password.status();
  if (absl::Status status = WriteFile(password_file(), *password); !status.ok()) return status;
  return fs::path(staging);
}

absl::Status ClusterDirectory::CommitCluster(const fs::path& staging) {
  std::ofstream settings(staging / "postgresql.conf", std::ios::app);
  settings << "\ninclude_if_exists = '" << kSettingsFile << "'\n";
  settings.close();
  if (!settings) return FileError("write", staging / "postgresql.conf", errno);
  if (rename(staging.c_str(), data().c_str()) != 0) return FileError("rename", staging, errno);
  return SyncDirectory(path_);
}

absl::StatusOr<std::string> ClusterDirectory::Password() const {
  std::optional<std::string> password = ReadLine(password_file());
  if (!password || password->empty()) return FileError("read", password_file(), ENOENT);
  return *password;
}

std::optional<int> ClusterDirectory::Port() const {
  int port = 0;
  if (!absl::SimpleAtoi(ReadLine(path_ / "port").value_or(""), &port)) return std::nullopt;
  return port;
}

absl::Status ClusterDirectory::SetPort(int port) {
  return WriteFile(path_ / "port", absl::StrCat(port, "\n"));
}

absl::StatusOr<bool> ClusterDirectory::WriteSettings(const std::string& text) {
  if (ReadFile(data() / kSettingsFile) == text) return false;
  if (absl::Status status = WriteFile(data() / kSettingsFile, text); !status.ok()) return status;
  return true;
}

absl::StatusOr<fs::path> ClusterDirectory::SocketDirectory() {
  const uid_t uid = owner_ ? owner_->uid : geteuid();
  const fs::path record = path_ / "socket";
  if (const std::optional<std::string> last = ReadLine(record)) {
    struct stat info;
    // Below /tmp anybody may have made it meanwhile.
    if (lstat(last->c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == uid &&
        (info.st_mode & 07777) == 0700) {
      return fs::path(*last);
    }
  }
  std::string directory = kSocketDirectoryTemplate;
  if (mkdtemp(directory.data()) == nullptr) return FileError("make", directory, errno);
  if (absl::Status status = GiveToOwner(directory); !status.ok()) return status;
  if (absl::Status status = WriteFile(record, directory + "\n"); !status.ok()) return status;
  return fs::path(directory);
}

std::optional<PostmasterFile> ClusterDirectory::Postmaster() const {
  const std::vector<std::string> lines =
      absl::StrSplit(ReadFile(data() / "postmaster.pid").value_or(""), '\n');
  PostmasterFile result;
  if (!absl::SimpleAtoi(lines[0], &result.pid) || result.pid <= 0) return std::nullopt;
  // https://www.postgresql.org/docs/current/storage-file-layout.html: the last line is the status.
  constexpr size_t kStatusLine = 7;
  result.ready =
      lines.size() > kStatusLine && absl::StripAsciiWhitespace(lines[kStatusLine]) == "ready";
  return result;
}

std::string ClusterDirectory::LastFailure(std::uintmax_t offset) const {
  std::ifstream in(log(), std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::string failure;
  for (std::string line; std::getline(in, line);) {
    for (const char* mark : {"FATAL:", "PANIC:", "initdb: error:", "could not"}) {
      if (const size_t at = line.find(mark); at != std::string::npos) {
        failure = line.substr(at);
        break;
      }
    }
  }
  return failure;
}

}  // namespace auth::dev
