// Ids that clients choose: letter case apart, one id has one text.

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "server/account/uuid.h"
#include "tests/fuzz/fuzz_target.h"

namespace auth::testing {

using account::Uuid;

void FuzzOne(std::string_view input) {
  if (const std::optional<Uuid> uuid = Uuid::Parse(input)) {
    std::string lower(input);
    absl::AsciiStrToLower(&lower);
    Expect(uuid->ToString() == lower, "an id is written as it was read, in lower case");
    Expect(Uuid::Parse(lower) == uuid, "letter case makes no other id");
  }
  if (input.size() != Uuid::Bytes().size()) return;
  Uuid::Bytes bytes;
  input.copy(reinterpret_cast<char*>(bytes.data()), bytes.size());
  Expect(Uuid::Parse(Uuid(bytes).ToString()) == Uuid(bytes), "every id is read as it was written");
}

}  // namespace auth::testing
