#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/authctl/command_line.h"

namespace auth::authctl {

// How often the terminal asks for a password: twice for a new one, which nobody has checked yet.
enum class Ask { kOnce, kTwice };

// The password from `source`, without one line end, or from the terminal.
//
// Failures say which option to use. FAILED_PRECONDITION without source and terminal,
// INVALID_ARGUMENT if the source cannot be read or is empty.
absl::StatusOr<std::string> ReadPassword(const SecretSource& source, Ask ask);

// A kind of token: whose it is, and the variable it may come from.
struct TokenKind {
  const char* name;         // "service token"
  const char* environment;  // "AUTHCTL_SERVICE_TOKEN"
};
inline constexpr TokenKind kSessionToken = {"session token", "AUTHCTL_TOKEN"};
inline constexpr TokenKind kServiceToken = {"service token", "AUTHCTL_SERVICE_TOKEN"};

// The token from `source`, the environment or the terminal, without white space around it. Fails as
// ReadPassword does, and with INVALID_ARGUMENT if it holds what no token has.
absl::StatusOr<std::string> ReadToken(const SecretSource& source, const TokenKind& kind);

// Where ReadToken has it from, for messages: "stdin", "the file x", "AUTHCTL_TOKEN".
std::string OriginOfToken(const SecretSource& source, const TokenKind& kind);

}  // namespace auth::authctl
