#pragma once

#include <cstddef>
#include <cstdint>

namespace auth::account {

// Fills `data` from getrandom(2). Ends the process if the kernel has no randomness to give: nothing
// of this service is safe without it. Thread-safe.
void FillRandom(uint8_t* data, size_t size);

}  // namespace auth::account
