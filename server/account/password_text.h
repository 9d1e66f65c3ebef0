#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "server/account/errors.h"
#include "server/account/secret.h"

namespace auth::account {

// A password as it is hashed: RFC 8265 OpaqueString, so that the same password typed on another
// keyboard is the same bytes. Normalisation form C, every Unicode space as U+0020; nothing is
// trimmed and no letter case changes. The text is wiped when it goes away.
//
// Looser than the RFC's FreeformClass in one point: code points that are ignorable or for private
// use are kept, because emoji and Persian are typed with them.
class PasswordText {
 public:
  // Of the raw text, before any work is spent on it.
  static constexpr size_t kMaxBytes = 1024;
  static constexpr size_t kMaxCodePoints = 256;

  // The part of Parse that costs nothing: present and not too long in bytes. Adds what is wrong to
  // `violations`.
  static bool CheckStructure(std::string_view raw, std::vector<FieldViolation>* violations);

  // Reads a password, a few microseconds. nullopt after adding what is wrong to `violations`. Has
  // no lower limit of length: that is PasswordPolicy's, which does not apply at sign-in.
  static std::optional<PasswordText> Parse(std::string_view raw,
                                           std::vector<FieldViolation>* violations);

  std::string_view view() const { return text_.view(); }
  size_t code_points() const { return code_points_; }

 private:
  PasswordText(Secret text, size_t code_points);

  Secret text_;
  size_t code_points_;
};

}  // namespace auth::account
