#include "server/store/sql_codec.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace auth::store {

using account::TokenHash;
using account::Uuid;

pool::Value Encode(const Uuid& id) { return id.ToString(); }

pool::Value Encode(const std::optional<Uuid>& id) {
  return id ? Encode(*id) : pool::Value(std::nullopt);
}

pool::Value Encode(const TokenHash& hash) {
  return absl::StrCat("\\x", absl::BytesToHexString(absl::string_view(
                                 reinterpret_cast<const char*>(hash.data()), hash.size())));
}

pool::Value Encode(WallTime time) {
  const auto since_epoch = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t unix_time = static_cast<std::time_t>(seconds.count());
  std::tm utc{};
  gmtime_r(&unix_time, &utc);
  std::array<char, 64> text;
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &utc);
  const int64_t microseconds = (since_epoch - seconds).count();
  std::snprintf(text.data() + length, text.size() - length, ".%06d+00",
                static_cast<int>(microseconds));
  return std::string(text.data());
}

std::optional<std::string> RowReader::Next(bool nullable) {
  if (!status_.ok()) return std::nullopt;
  const size_t index = next_++;  // first: Spoil names the column that was to be read
  if (index >= row_.size()) {
    Spoil("there");
    return std::nullopt;
  }
  const pool::Value& value = row_[index];
  if (!value && !nullable) Spoil("a value");
  return value;
}

// Does not show what was found: it may be secret.
void RowReader::Spoil(const char* expected) {
  status_ = absl::InternalError(absl::StrCat("column ", next_, " of the answer is not ", expected));
}

std::string RowReader::ReadText() { return Next(/*nullable=*/false).value_or(""); }

int64_t RowReader::ReadInt() {
  const std::optional<std::string> text = Next(/*nullable=*/false);
  int64_t value = 0;
  if (text && !absl::SimpleAtoi(*text, &value)) Spoil("an integer");
  return value;
}

Uuid RowReader::ReadUuid() {
  const std::optional<std::string> text = Next(/*nullable=*/false);
  if (!text) return {};
  const std::optional<Uuid> id = Uuid::Parse(*text);
  if (!id) Spoil("a UUID");
  return id.value_or(Uuid());
}

std::optional<Uuid> RowReader::ReadOptionalUuid() {
  const std::optional<std::string> text = Next(/*nullable=*/true);
  if (!text) return std::nullopt;
  const std::optional<Uuid> id = Uuid::Parse(*text);
  if (!id) Spoil("a UUID");
  return id;
}

WallTime RowReader::ReadTime() { return WallTime(std::chrono::microseconds(ReadInt())); }

std::optional<WallTime> RowReader::ReadOptionalTime() {
  const std::optional<std::string> text = Next(/*nullable=*/true);
  if (!text) return std::nullopt;
  int64_t microseconds = 0;
  if (!absl::SimpleAtoi(*text, &microseconds)) Spoil("a time");
  return WallTime(std::chrono::microseconds(microseconds));
}

}  // namespace auth::store
