#include "server/rpc/service_tokens.h"

#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace auth::rpc {
namespace {

// Between two looks at the file.
constexpr std::chrono::seconds kLookEvery(1);
constexpr std::size_t kHashDigits = 64;

std::string HashOf(std::string_view token) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

bool IsHash(const std::string& text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

}  // namespace

bool ServiceTokens::Version::operator==(const Version& other) const {
  return inode == other.inode && size == other.size && modified.tv_sec == other.modified.tv_sec &&
         modified.tv_nsec == other.modified.tv_nsec;
}

absl::StatusOr<std::unique_ptr<ServiceTokens>> ServiceTokens::Load(const std::string& path,
                                                                   OnReload on_reload,
                                                                   const Clock* clock) {
  std::unique_ptr<ServiceTokens> tokens(new ServiceTokens(path, std::move(on_reload), clock));
  const Version version = VersionOf(path);  // before it is read, so that no change is missed
  absl::StatusOr<Callers> callers = Read(path);
  if (!callers.ok()) return callers.status();
  MutexLock lock(&tokens->mutex_);
  tokens->version_ = version;
  tokens->callers_ = *std::move(callers);
  return tokens;
}

ServiceTokens::ServiceTokens(std::string path, OnReload on_reload, const Clock* clock)
    : path_(std::move(path)),
      on_reload_(std::move(on_reload)),
      clock_(clock),
      looked_(clock->Monotonic()) {}

absl::StatusOr<ServiceTokens::Callers> ServiceTokens::Read(const std::string& path) {
  std::ifstream file(path);
  Callers callers;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words[0][0] == '#') continue;
    if (words.size() != 3 || words[1] != "admin" || !IsHash(words[2])) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", number,
          ": must be `name admin hash`, with the token's SHA-256 in 64 hex digits, as `printf %s "
          "\"$token\" | sha256sum` prints it"));
    }
    callers.insert_or_assign(absl::AsciiStrToLower(words[2]),
                             ServiceCaller{words[0], Role::kAdmin});
  }
  if (!file.eof()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": cannot be read: name a file that this user may read"));
  }
  return callers;
}

ServiceTokens::Version ServiceTokens::VersionOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim};
}

void ServiceTokens::ReloadIfChanged() {
  const MonotonicTime now = clock_->Monotonic();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  const Version version = VersionOf(path_);
  if (version == version_) return;
  absl::StatusOr<Callers> callers = Read(path_);
  if (callers.ok()) {
    callers_ = *std::move(callers);
    version_ = version;  // otherwise it is read again: what was wrong may pass
  }
  on_reload_(callers.status());
}

std::optional<ServiceCaller> ServiceTokens::Find(std::string_view token) {
  // By its hash: how long the search takes says nothing of the token.
  const std::string hash = HashOf(token);
  MutexLock lock(&mutex_);
  ReloadIfChanged();
  const auto found = callers_.find(hash);
  if (found == callers_.end()) return std::nullopt;
  return found->second;
}

}  // namespace auth::rpc
