#pragma once

#include <unicode/uversion.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"
#include "server/account/secret.h"

U_NAMESPACE_BEGIN
class Transliterator;
U_NAMESPACE_END

namespace auth::account {

// Writes text of any script in ASCII letters: пароль as "parol'", Pässwort as "Passwort".
//
// Thread-safe. ICU's transliterators are slow to make, fill a cache of scripts as they go, and
// serve one thread at a time: so they are lent out and come back. There are never more of them than
// threads that romanized at once. The first text of a script takes up to 80 ms, while ICU reads its
// rules; the next ones take microseconds.
class Romanizer {
 public:
  Romanizer();
  ~Romanizer();
  Romanizer(const Romanizer&) = delete;
  Romanizer& operator=(const Romanizer&) = delete;

  // Keeps no copy. Answers `text` itself if ICU's data are missing.
  Secret Romanize(std::string_view text);

 private:
  using Transliterator = std::unique_ptr<icu::Transliterator>;

  Transliterator Take();
  void Return(Transliterator transliterator);

  Mutex mutex_;
  std::vector<Transliterator> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::account
