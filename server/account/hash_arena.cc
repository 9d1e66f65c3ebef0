#include "server/account/hash_arena.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace auth::account {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

constexpr size_t RoundUp(size_t size) { return (size + kHugePage - 1) / kHugePage * kHugePage; }

}  // namespace

absl::StatusOr<HashArena> HashArena::Map(size_t size) {
  // One huge page more than needed, so that an aligned start can be cut out of it.
  const size_t wanted = RoundUp(size);
  const size_t mapped = wanted + kHugePage;
  void* const address =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "Cannot map ", mapped >> 20, " MiB for password hashing: ", std::strerror(errno),
        ". Allow more memory or lower the hash workers."));
  }
  auto* const begin = static_cast<uint8_t*>(address);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin)) - reinterpret_cast<uintptr_t>(begin);
  uint8_t* const data = begin + before;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(data + wanted, kHugePage - before);
  // Advice: where the kernel does not take it, hashing is slower, not wrong.
  madvise(data, wanted, MADV_HUGEPAGE);
  madvise(data, wanted, MADV_DONTDUMP);
  std::memset(data, 0, wanted);
  return HashArena(data, wanted);
}

HashArena::HashArena(HashArena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HashArena& HashArena::operator=(HashArena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

HashArena::~HashArena() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace auth::account
