#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/account/hash_arena.h"

namespace auth::account {

struct Argon2Parameters {
  uint32_t memory_kib = 19456;
  uint32_t iterations = 2;
  uint32_t parallelism = 1;

  friend bool operator==(const Argon2Parameters&, const Argon2Parameters&) = default;

  size_t memory_bytes() const { return size_t{memory_kib} << 10; }
};

// What RFC 9106 calls P, S, K and X.
struct Argon2Input {
  std::string_view password;
  std::string_view salt;
  std::string_view secret;
  std::string_view associated_data;
};

using Argon2Tag = std::array<uint8_t, 32>;

// Argon2id, version 0x13, over libargon2: keeps one core busy. Works in `arena`, which must hold
// the parameters' memory and serve no other computation meanwhile, and leaves it wiped. INTERNAL if
// libargon2 refuses. Thread-safe.
absl::StatusOr<Argon2Tag> Argon2id(const Argon2Parameters& parameters, const Argon2Input& input,
                                   const HashArena& arena);

}  // namespace auth::account
