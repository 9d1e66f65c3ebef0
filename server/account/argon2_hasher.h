#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/mutex.h"
#include "server/account/argon2id.h"
#include "server/account/hash_arena.h"
#include "server/account/password_hasher.h"

namespace auth::account {

// Argon2id with a fixed budget of memory: as many arenas as hashes may run at once, mapped at the
// start. Thread-safe; a call beyond the arenas waits for one.
//
//   auto hasher = Argon2Hasher::Create({.parameters = {}, .arenas = 2});  // 2 × 19 MiB
//   absl::StatusOr<std::string> stored = (*hasher)->Hash(password.view());
//   absl::StatusOr<bool> right = (*hasher)->Verify(password.view(), *stored);
class Argon2Hasher final : public PasswordHasher {
 public:
  struct Options {
    Argon2Parameters parameters;
    // Hashes that may run at once; one for each hash worker.
    int arenas = 1;
    // Allows parameters below OWASP's floor (19 MiB twice, or 46 MiB once): for tests only.
    bool allow_weak = false;

    // INVALID_ARGUMENT that says what to change.
    absl::Status Validate() const;
  };

  // INVALID_ARGUMENT for invalid options, RESOURCE_EXHAUSTED if there is not enough memory.
  static absl::StatusOr<std::unique_ptr<Argon2Hasher>> Create(const Options& options);

  absl::StatusOr<std::string> Hash(std::string_view password) override;

  // A stored hash that takes more memory than an arena has gets a mapping of its own for the time
  // of the call, while it holds its arena: so the bound of PhcString times `arenas` is the most
  // that hostile hashes can take.
  absl::StatusOr<bool> Verify(std::string_view password, std::string_view stored) override;

  // Memory or iterations are lower, or the salt is shorter.
  bool NeedsRehash(std::string_view stored) const override;

  // Computations of Argon2 so far.
  int64_t computations() const { return computations_.load(std::memory_order_relaxed); }

 private:
  // An arena on loan; goes back when destroyed.
  class Lease;

  Argon2Hasher(const Argon2Parameters& parameters, std::vector<HashArena> arenas);

  absl::StatusOr<Argon2Tag> Compute(const Argon2Parameters& parameters, std::string_view password,
                                    std::string_view salt);

  const Argon2Parameters parameters_;
  std::atomic<int64_t> computations_{0};
  Mutex mutex_;
  CondVar returned_;
  std::vector<HashArena> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth::account
