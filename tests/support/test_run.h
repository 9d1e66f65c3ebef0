#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace auth::testing {

// Whether this is an AddressSanitizer build, which is slower and keeps freed memory for a while.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
inline constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool kAddressSanitizer = false;
#endif

// The seed of all random choices of this process: TEST_SEED if it is set, else a new one. Printed
// when it is first asked for, so that a failure can be repeated. Thread-safe.
uint64_t TestSeed();

// Random choices that follow from TestSeed() and `name`: for those who choose beside others, and
// must not choose the same.
std::mt19937_64 TestRandom(std::string_view name);

// Whether the run takes its time: `tests/run --long`, which sets TEST_LONG=1.
bool IsLongRun();

// How often, or how long: a little in CI, much in a long run.
template <typename T>
T ShortOrLong(T in_ci, T in_long_run) {
  return IsLongRun() ? in_long_run : in_ci;
}

}  // namespace auth::testing
