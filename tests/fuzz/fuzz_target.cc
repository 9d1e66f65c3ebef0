#include "tests/fuzz/fuzz_target.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace auth::testing {

void Expect(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

}  // namespace auth::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth::testing::FuzzOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
