// Stored password hashes, which may come from a damaged or hostile database: what is accepted is
// within the bounds, and is exactly what would be written.

#include <optional>
#include <string>

#include "server/account/phc_string.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

using account::Argon2Parameters;
using account::PhcString;

void FuzzOne(std::string_view input) {
  const std::optional<PhcString> phc = PhcString::Parse(input);
  if (!phc) return;
  Expect(phc->ToString() == input, "a hash is written as it was read");

  const Argon2Parameters& asked = phc->parameters;
  Expect(asked.memory_kib <= PhcString::kMaxMemoryKib, "memory is bounded");
  Expect(asked.iterations >= 1 && asked.iterations <= PhcString::kMaxIterations, "time is bounded");
  Expect(asked.parallelism >= 1 && asked.parallelism <= PhcString::kMaxParallelism,
         "lanes are bounded");
  Expect(asked.memory_kib >= 8 * asked.parallelism, "Argon2 can work with what is asked for");
  Expect(
      phc->salt.size() >= PhcString::kMinSaltBytes && phc->salt.size() <= PhcString::kMaxSaltBytes,
      "the salt's size is bounded");
}

}  // namespace auth::testing
