#include "server/account/token.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "server/account/random_bytes.h"

namespace auth::account {
namespace {

// 32 bytes in groups of 6 bits.
constexpr size_t kTextSize = 43;

}  // namespace

Token Token::New() {
  Token token;
  FillRandom(token.secret_.data(), token.secret_.size());
  return token;
}

std::optional<Token> Token::Parse(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  std::string bytes;
  if (!absl::WebSafeBase64Unescape({text.data(), text.size()}, &bytes)) return std::nullopt;
  Token token;
  if (bytes.size() != token.secret_.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), token.secret_.begin());
  // The decoder forgives white space, padding and stray low bits; one token has one text.
  if (token.ToString() != text) return std::nullopt;
  return token;
}

std::string Token::ToString() const {
  std::string text;
  absl::WebSafeBase64Escape({reinterpret_cast<const char*>(secret_.data()), secret_.size()}, &text);
  return text;
}

TokenHash Token::Hash() const {
  TokenHash hash;
  SHA256(secret_.data(), secret_.size(), hash.data());
  return hash;
}

}  // namespace auth::account
