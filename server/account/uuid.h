#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/clock.h"

namespace auth::account {

// A 128-bit identifier, RFC 9562.
class Uuid {
 public:
  using Bytes = std::array<uint8_t, 16>;

  // All zero.
  Uuid() = default;
  explicit Uuid(const Bytes& bytes) : bytes_(bytes) {}

  // A version 7 id: `now` in milliseconds, then 74 bits from getrandom(2). Ids of one millisecond
  // are in no order.
  static Uuid NewV7(WallTime now);

  // Reads the 36-character form with hyphens, in any letter case; nullopt for anything else.
  static std::optional<Uuid> Parse(std::string_view text);

  // Lower case with hyphens.
  std::string ToString() const;
  const Bytes& bytes() const { return bytes_; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;

 private:
  Bytes bytes_{};
};

}  // namespace auth::account
