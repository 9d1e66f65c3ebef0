#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auth::account {

// SHA-256 of a token's 32 raw bytes: all that is ever stored of a token.
using TokenHash = std::array<uint8_t, 32>;

// A bearer secret: 32 bytes from getrandom(2), written as 43 characters of base64url without
// padding.
class Token {
 public:
  static Token New();

  // Reads the 43 characters; nullopt for anything else, non-canonical last characters included.
  static std::optional<Token> Parse(std::string_view text);

  std::string ToString() const;
  TokenHash Hash() const;

 private:
  std::array<uint8_t, 32> secret_{};
};

}  // namespace auth::account
