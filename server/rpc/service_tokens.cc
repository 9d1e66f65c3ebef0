#include "server/rpc/service_tokens.h"

#include <openssl/sha.h>

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

absl::StatusOr<std::string> Read(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text, '\0');
  if (file.eof()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": cannot be read: name a file that this user may read"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServiceTokens>> ServiceTokens::Load(const std::string& path,
                                                                   OnReload on_reload,
                                                                   const Clock* clock) {
  absl::StatusOr<std::string> text = Read(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<Callers> callers = Parse(path, *text);
  if (!callers.ok()) return callers.status();
  return std::unique_ptr<ServiceTokens>(
      new ServiceTokens(path, *std::move(text), *std::move(callers), std::move(on_reload), clock));
}

ServiceTokens::ServiceTokens(std::string path, std::string text, Callers callers,
                             OnReload on_reload, const Clock* clock)
    : path_(std::move(path)),
      on_reload_(std::move(on_reload)),
      callers_(std::move(callers)),
      seen_(text),
      told_(std::move(text)),
      looking_(
          "service-tokens", kLookEvery, [this] { Look(); }, clock) {}

absl::StatusOr<ServiceTokens::Callers> ServiceTokens::Parse(const std::string& path,
                                                            const std::string& text) {
  Callers callers;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
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
  return callers;
}

void ServiceTokens::Look() {
  absl::StatusOr<std::string> text = Read(path_);
  const bool settled = text == seen_;
  seen_ = text;
  if (!settled || text == told_) return;
  told_ = text;
  absl::StatusOr<Callers> callers = text.ok() ? Parse(path_, *text) : text.status();
  const absl::Status status = callers.status();
  if (status.ok()) {
    MutexLock lock(&mutex_);
    callers_ = *std::move(callers);
  }
  on_reload_(status);
}

std::optional<ServiceCaller> ServiceTokens::Find(std::string_view token) const {
  // By its hash: how long the search takes says nothing of the token.
  const std::string hash = HashOf(token);
  MutexLock lock(&mutex_);
  const auto found = callers_.find(hash);
  if (found == callers_.end()) return std::nullopt;
  return found->second;
}

}  // namespace auth::rpc
