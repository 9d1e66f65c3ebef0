#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/account/errors.h"

namespace auth::account {

// An e-mail address in two forms: the one to show and to send to, and the one that identifies the
// user. Immutable.
//
//   std::vector<FieldViolation> violations;
//   std::optional<EmailAddress> email = EmailAddress::Parse("Ann@BÜCHER.example", &violations);
//   email->display();  // "Ann@BÜCHER.example"
//   email->key();      // "ann@xn--bcher-kva.example"
class EmailAddress {
 public:
  // RFC 5321 4.5.3.1.3: a path of 256 octets, less its angle brackets.
  static constexpr size_t kMaxBytes = 254;
  // RFC 5321 4.5.3.1.1.
  static constexpr size_t kMaxLocalBytes = 64;

  // The part of Parse that costs nothing: present, not too long, exactly one '@'. Adds what is
  // wrong to `violations`.
  static bool CheckStructure(std::string_view raw, std::vector<FieldViolation>* violations);

  // Reads an address, a few microseconds. nullopt after adding what is wrong to `violations`.
  //
  // Local part: a dot-atom that may hold letters, marks and digits of any script; no quoted form.
  // Domain: a host name with at least one dot by UTS #46, non-transitional. Nothing invisible
  // anywhere, so that two addresses that look alike by accident are alike.
  static std::optional<EmailAddress> Parse(std::string_view raw,
                                           std::vector<FieldViolation>* violations);

  // As typed, in normalisation form C.
  const std::string& display() const { return display_; }

  // The identity: the local part in NFKC case fold, the domain in ASCII. No provider's rules are
  // applied: dots and +tags count.
  const std::string& key() const { return key_; }

 private:
  EmailAddress(std::string display, std::string key);

  std::string display_;
  std::string key_;
};

}  // namespace auth::account
