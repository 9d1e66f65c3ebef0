#include "server/account/romanizer.h"

#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace auth::account {
namespace {

void Wipe(icu::UnicodeString* text) {
  const int32_t capacity = text->getCapacity();
  WipeMemory(text->getBuffer(capacity), static_cast<size_t>(capacity) * sizeof(char16_t));
  text->releaseBuffer(0);
}

}  // namespace

Romanizer::Romanizer() = default;
Romanizer::~Romanizer() = default;

Secret Romanizer::Romanize(std::string_view text) {
  Transliterator transliterator = Take();
  if (transliterator == nullptr) return Secret::CopyOf(text);
  icu::UnicodeString units =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
  transliterator->transliterate(units);
  Return(std::move(transliterator));
  std::string ascii;
  units.toUTF8String(ascii);
  Wipe(&units);
  return Secret::TakeFrom(&ascii);
}

Romanizer::Transliterator Romanizer::Take() {
  {
    MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      Transliterator transliterator = std::move(idle_.back());
      idle_.pop_back();
      return transliterator;
    }
  }
  UErrorCode error = U_ZERO_ERROR;
  return Transliterator(
      icu::Transliterator::createInstance("Any-Latin; Latin-ASCII", UTRANS_FORWARD, error));
}

void Romanizer::Return(Transliterator transliterator) {
  MutexLock lock(&mutex_);
  idle_.push_back(std::move(transliterator));
}

}  // namespace auth::account
