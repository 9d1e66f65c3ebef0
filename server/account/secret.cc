#include "server/account/secret.h"

#include <openssl/crypto.h>

#include <utility>

namespace auth::account {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::move(other.bytes_);
  }
  return *this;
}

Secret Secret::CopyOf(std::string_view text) {
  Secret secret;
  secret.bytes_.assign(text.begin(), text.end());
  return secret;
}

Secret Secret::TakeFrom(std::string* text) {
  Secret secret = CopyOf(*text);
  WipeMemory(text->data(), text->size());
  text->clear();
  return secret;
}

void Secret::Wipe() {
  WipeMemory(bytes_.data(), bytes_.size());
  bytes_.clear();
}

void WipeMemory(void* data, size_t size) { OPENSSL_cleanse(data, size); }

}  // namespace auth::account
