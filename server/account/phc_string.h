#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/account/argon2id.h"

namespace auth::account {

// An Argon2id hash as it is stored, in the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>, both in base64 without padding.
struct PhcString {
  // What a stored string may ask for. It may come from a damaged or hostile database, and is read
  // before any work is done for it.
  static constexpr uint32_t kMaxMemoryKib = 256 << 10;  // more would push the server out of memory
  static constexpr uint32_t kMaxIterations = 10;        // with the most memory about 2 s
  static constexpr uint32_t kMaxParallelism = 4;
  static constexpr size_t kMinSaltBytes = 8;  // the least of RFC 9106
  static constexpr size_t kMaxSaltBytes = 64;

  Argon2Parameters parameters;
  std::string salt;
  Argon2Tag tag{};

  // nullopt for anything but a canonical string within the bounds.
  static std::optional<PhcString> Parse(std::string_view text);
  std::string ToString() const;
};

}  // namespace auth::account
