#include "server/account/argon2_hasher.h"

#include <openssl/crypto.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/account/phc_string.h"
#include "server/account/random_bytes.h"

namespace auth::account {
namespace {

constexpr size_t kSaltBytes = 16;

// OWASP's Password Storage Cheat Sheet: these two cost an attacker the same.
constexpr Argon2Parameters kFloor = {19456, 2, 1};
constexpr Argon2Parameters kFloorOfOneIteration = {47104, 1, 1};

bool IsAtLeast(const Argon2Parameters& parameters, const Argon2Parameters& floor) {
  return parameters.memory_kib >= floor.memory_kib && parameters.iterations >= floor.iterations;
}

}  // namespace

// Holds one of the arenas, which bounds how many computations run at once.
class Argon2Hasher::Lease {
 public:
  explicit Lease(Argon2Hasher* hasher) : hasher_(hasher), arena_(Take(hasher)) {}
  ~Lease() {
    MutexLock lock(&hasher_->mutex_);
    hasher_->idle_.push_back(std::move(arena_));
    hasher_->returned_.NotifyOne();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  const HashArena& arena() const { return arena_; }

 private:
  static HashArena Take(Argon2Hasher* hasher) {
    MutexLock lock(&hasher->mutex_);
    while (hasher->idle_.empty()) hasher->returned_.Wait(&hasher->mutex_);
    HashArena arena = std::move(hasher->idle_.back());
    hasher->idle_.pop_back();
    return arena;
  }

  Argon2Hasher* const hasher_;
  HashArena arena_;
};

absl::Status Argon2Hasher::Options::Validate() const {
  if (arenas < 1) return absl::InvalidArgumentError("Argon2 needs at least one hash worker.");
  const auto [memory_kib, iterations, parallelism] = parameters;
  if (iterations < 1 || iterations > PhcString::kMaxIterations || parallelism < 1 ||
      parallelism > PhcString::kMaxParallelism || memory_kib < 8 * parallelism ||
      memory_kib > PhcString::kMaxMemoryKib) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Argon2 takes 1 to ", PhcString::kMaxIterations, " iterations, a parallelism of 1 to ",
        PhcString::kMaxParallelism, " and 8 × parallelism to ", PhcString::kMaxMemoryKib,
        " KiB of memory, not m=", memory_kib, ", t=", iterations, ", p=", parallelism, "."));
  }
  if (!allow_weak && !IsAtLeast(parameters, kFloor) &&
      !IsAtLeast(parameters, kFloorOfOneIteration)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Argon2 with m=", memory_kib, ", t=", iterations,
        " is too weak to store passwords: use at least m=19456, t=2 or m=47104, t=1."));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Argon2Hasher>> Argon2Hasher::Create(const Options& options) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  std::vector<HashArena> arenas;
  for (int i = 0; i < options.arenas; ++i) {
    absl::StatusOr<HashArena> arena = HashArena::Map(options.parameters.memory_bytes());
    if (!arena.ok()) return arena.status();
    arenas.push_back(*std::move(arena));
  }
  return std::unique_ptr<Argon2Hasher>(new Argon2Hasher(options.parameters, std::move(arenas)));
}

Argon2Hasher::Argon2Hasher(const Argon2Parameters& parameters, std::vector<HashArena> arenas)
    : parameters_(parameters), idle_(std::move(arenas)) {}

absl::StatusOr<std::string> Argon2Hasher::Hash(std::string_view password) {
  PhcString phc{parameters_, std::string(kSaltBytes, '\0'), {}};
  FillRandom(reinterpret_cast<uint8_t*>(phc.salt.data()), phc.salt.size());
  absl::StatusOr<Argon2Tag> tag = Compute(phc.parameters, password, phc.salt);
  if (!tag.ok()) return tag.status();
  phc.tag = *tag;
  return phc.ToString();
}

absl::StatusOr<bool> Argon2Hasher::Verify(std::string_view password, std::string_view stored) {
  const std::optional<PhcString> phc = PhcString::Parse(stored);
  if (!phc) {
    return absl::InvalidArgumentError("The stored hash is no Argon2id within the bounds.");
  }
  absl::StatusOr<Argon2Tag> tag = Compute(phc->parameters, password, phc->salt);
  if (!tag.ok()) return tag.status();
  return CRYPTO_memcmp(tag->data(), phc->tag.data(), tag->size()) == 0;
}

bool Argon2Hasher::NeedsRehash(std::string_view stored) const {
  const std::optional<PhcString> phc = PhcString::Parse(stored);
  return phc && (!IsAtLeast(phc->parameters, parameters_) || phc->salt.size() < kSaltBytes);
}

absl::StatusOr<Argon2Tag> Argon2Hasher::Compute(const Argon2Parameters& parameters,
                                                std::string_view password, std::string_view salt) {
  const Lease lease(this);
  computations_.fetch_add(1, std::memory_order_relaxed);
  const Argon2Input input{password, salt, {}, {}};
  if (parameters.memory_bytes() <= lease.arena().size()) {
    return Argon2id(parameters, input, lease.arena());
  }
  const absl::StatusOr<HashArena> larger = HashArena::Map(parameters.memory_bytes());
  if (!larger.ok()) return larger.status();
  return Argon2id(parameters, input, *larger);
}

}  // namespace auth::account
