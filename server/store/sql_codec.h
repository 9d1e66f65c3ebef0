#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "pool/clock.h"
#include "pool/query.h"
#include "server/account/token.h"
#include "server/account/uuid.h"

// Typed values to and from PostgreSQL's text format.
namespace auth::store {

pool::Value Encode(const account::Uuid& id);
pool::Value Encode(const std::optional<account::Uuid>& id);
pool::Value Encode(const account::TokenHash& hash);
// A timestamptz, to the microsecond, rounded down. Does not depend on the session's settings.
pool::Value Encode(WallTime time);

// Reads the columns of a row in order. The first that is missing, NULL where it must not be, or of
// another form spoils the reader: it then answers default values, and status() says which it was.
//
//   RowReader reader(row);
//   user.id = reader.ReadUuid();
//   user.email = reader.ReadText();
//   if (!reader.status().ok()) return reader.status();
class RowReader {
 public:
  // `row` must outlive the reader.
  explicit RowReader(const pool::Row& row) : row_(row) {}

  std::string ReadText();
  int64_t ReadInt();
  account::Uuid ReadUuid();
  std::optional<account::Uuid> ReadOptionalUuid();
  // Microseconds since 1970.
  WallTime ReadTime();
  std::optional<WallTime> ReadOptionalTime();

  const absl::Status& status() const { return status_; }

 private:
  // The next column; nullopt for NULL or if the reader is spoiled.
  std::optional<std::string> Next(bool nullable);
  void Spoil(const char* expected);

  const pool::Row& row_;
  size_t next_ = 0;
  absl::Status status_;
};

}  // namespace auth::store
