#include "client/authctl/secret.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/authctl/terminal.h"

namespace auth::authctl {
namespace {

// Far above the longest password; a stop for /dev/zero and for the wrong file.
constexpr size_t kMaxBytes = 64 * 1024;

absl::StatusOr<std::string> ReadAll(std::istream& stream, const std::string& name) {
  std::string text(kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", name, ": it is no file"));
  }
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(name, " holds too much to be a secret"));
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat(name, " is empty"));
  return text;
}

// nullopt if the source is the terminal.
std::optional<absl::StatusOr<std::string>> ReadSource(const SecretSource& source) {
  if (source.from_stdin) return ReadAll(std::cin, "stdin");
  if (source.file.empty()) return std::nullopt;
  std::ifstream file(source.file, std::ios::binary);
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", source.file, ": ", std::strerror(errno)));
  }
  return ReadAll(file, source.file);
}

// nullptr if the variable is not set, or empty.
const char* FromEnvironment(const TokenKind& kind) {
  const char* value = std::getenv(kind.environment);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

absl::StatusOr<std::string> AskTerminal(const std::string& prompt, const std::string& otherwise) {
  absl::StatusOr<std::string> typed = AskWithoutEcho(prompt);
  if (typed.ok()) return typed;
  return absl::Status(typed.status().code(),
                      absl::StrCat(typed.status().message(), "; use ", otherwise));
}

}  // namespace

absl::StatusOr<std::string> ReadPassword(const SecretSource& source, Ask ask) {
  if (auto secret = ReadSource(source)) return *std::move(secret);
  constexpr char kOtherwise[] = "--password-stdin or --password-file FILE";
  absl::StatusOr<std::string> password = AskTerminal("Password: ", kOtherwise);
  if (!password.ok() || ask == Ask::kOnce) return password;
  const absl::StatusOr<std::string> again = AskTerminal("Password again: ", kOtherwise);
  if (!again.ok()) return again.status();
  if (*again != *password) {
    return absl::InvalidArgumentError("the two passwords differ; nothing was sent, try again");
  }
  return password;
}

absl::StatusOr<std::string> ReadToken(const SecretSource& source, const TokenKind& kind) {
  absl::StatusOr<std::string> token;
  if (auto secret = ReadSource(source)) {
    token = *std::move(secret);
  } else if (const char* environment = FromEnvironment(kind)) {
    token = std::string(environment);
  } else {
    std::string prompt = absl::StrCat(kind.name, ": ");
    prompt.front() = absl::ascii_toupper(static_cast<unsigned char>(prompt.front()));
    token = AskTerminal(
        prompt,
        absl::StrCat("--token-stdin, --token-file FILE or the environment's ", kind.environment));
  }
  if (!token.ok()) return token;
  absl::StripAsciiWhitespace(&*token);
  // gRPC ends the process over some of these.
  if (!std::all_of(token->begin(), token->end(),
                   [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError(absl::StrCat("what comes from ", OriginOfToken(source, kind),
                                                   " is no ", kind.name,
                                                   ": that is one word of ASCII characters"));
  }
  return token;
}

std::string OriginOfToken(const SecretSource& source, const TokenKind& kind) {
  if (source.from_stdin) return "stdin";
  if (!source.file.empty()) return absl::StrCat("the file ", source.file);
  return FromEnvironment(kind) != nullptr ? kind.environment : "the terminal";
}

}  // namespace auth::authctl
