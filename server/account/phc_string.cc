#include "server/account/phc_string.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace auth::account {
namespace {

// The longest string within the bounds has fewer bytes than this.
constexpr size_t kMaxBytes = 256;

std::string Encode(std::string_view bytes) {
  std::string text = absl::Base64Escape({bytes.data(), bytes.size()});
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

// Refuses what Encode would not have written.
std::optional<std::string> Decode(absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) || Encode(bytes) != text) return std::nullopt;
  return bytes;
}

// Reads "m=19456" for the name 'm'; nullopt for signs, leading zeros and what is beyond `max`.
std::optional<uint32_t> ParseNumber(absl::string_view text, char name, uint32_t min, uint32_t max) {
  if (!absl::ConsumePrefix(&text, std::string{name, '='})) return std::nullopt;
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || absl::StrCat(number) != text) return std::nullopt;
  if (number < min || number > max) return std::nullopt;
  return number;
}

std::optional<Argon2Parameters> ParseParameters(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ',');
  if (fields.size() != 3) return std::nullopt;
  const auto memory = ParseNumber(fields[0], 'm', 8, PhcString::kMaxMemoryKib);
  const auto iterations = ParseNumber(fields[1], 't', 1, PhcString::kMaxIterations);
  const auto parallelism = ParseNumber(fields[2], 'p', 1, PhcString::kMaxParallelism);
  if (!memory || !iterations || !parallelism) return std::nullopt;
  if (*memory < 8 * *parallelism) return std::nullopt;  // RFC 9106, 3.1
  return Argon2Parameters{*memory, *iterations, *parallelism};
}

}  // namespace

std::optional<PhcString> PhcString::Parse(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '$');
  if (fields.size() != 6 || !fields[0].empty() || fields[1] != "argon2id" || fields[2] != "v=19") {
    return std::nullopt;
  }
  const std::optional<Argon2Parameters> parameters = ParseParameters(fields[3]);
  const std::optional<std::string> salt = Decode(fields[4]);
  const std::optional<std::string> tag = Decode(fields[5]);
  if (!parameters || !salt || !tag) return std::nullopt;
  PhcString phc{*parameters, *salt, {}};
  if (salt->size() < kMinSaltBytes || salt->size() > kMaxSaltBytes) return std::nullopt;
  if (tag->size() != phc.tag.size()) return std::nullopt;
  std::copy(tag->begin(), tag->end(), phc.tag.begin());
  return phc;
}

std::string PhcString::ToString() const {
  const std::string_view tag_bytes(reinterpret_cast<const char*>(tag.data()), tag.size());
  return absl::StrCat("$argon2id$v=19$m=", parameters.memory_kib, ",t=", parameters.iterations,
                      ",p=", parameters.parallelism, "$", Encode(salt), "$", Encode(tag_bytes));
}

}  // namespace auth::account
