#include "tests/support/test_run.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace auth::testing {
namespace {

uint64_t ChooseSeed() {
  const char* given = std::getenv("TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("TEST_SEED=%" PRIu64 "\n", seed);
  return seed;
}

}  // namespace

uint64_t TestSeed() {
  static const uint64_t seed = ChooseSeed();
  return seed;
}

std::mt19937_64 TestRandom(std::string_view name) {
  std::vector<uint32_t> material = {static_cast<uint32_t>(TestSeed()),
                                    static_cast<uint32_t>(TestSeed() >> 32)};
  for (const char letter : name) material.push_back(static_cast<unsigned char>(letter));
  std::seed_seq sequence(material.begin(), material.end());
  return std::mt19937_64(sequence);
}

bool IsLongRun() {
  const char* given = std::getenv("TEST_LONG");
  return given != nullptr && std::strcmp(given, "1") == 0;
}

}  // namespace auth::testing
