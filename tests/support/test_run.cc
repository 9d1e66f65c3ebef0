#include "tests/support/test_run.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

namespace auth::testing {

uint64_t TestSeed() {
  const char* given = std::getenv("TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("TEST_SEED=%" PRIu64 "\n", seed);
  return seed;
}

bool IsLongRun() {
  const char* given = std::getenv("TEST_LONG");
  return given != nullptr && std::strcmp(given, "1") == 0;
}

}  // namespace auth::testing
