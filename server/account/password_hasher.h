#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace auth::account {

// Turns passwords into strings that are safe to store, and checks passwords against them.
// Thread-safe; each call keeps one core busy for milliseconds.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;

  // A PHC string with a fresh salt. `password` is the prepared text (PasswordText).
  virtual absl::StatusOr<std::string> Hash(std::string_view password) = 0;

  // Whether `password` made `stored`. A hash of parameters beyond the bounds, or one that does not
  // parse, is refused with INVALID_ARGUMENT before any work is done.
  virtual absl::StatusOr<bool> Verify(std::string_view password, std::string_view stored) = 0;

  // Whether `stored` was made with lower parameters than Hash uses now.
  virtual bool NeedsRehash(std::string_view stored) const = 0;
};

}  // namespace auth::account
