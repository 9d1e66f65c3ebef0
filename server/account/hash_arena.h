#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

namespace auth::account {

// Memory for one Argon2 computation at a time, mapped and faulted in once and then reused: fresh
// memory for each hash costs up to twice the hash itself. Owns its mapping, which starts at 2 MiB
// and asks for huge pages, and is kept out of core dumps. Movable.
class HashArena {
 public:
  // RESOURCE_EXHAUSTED if the system does not give that much.
  static absl::StatusOr<HashArena> Map(size_t size);

  HashArena(HashArena&& other) noexcept;
  HashArena& operator=(HashArena&& other) noexcept;
  ~HashArena();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  HashArena(uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t* data_;
  size_t size_;
};

}  // namespace auth::account
