#include "server/store/sql_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/support/status_matchers.h"
#include "tests/support/test_postgres.h"

namespace auth::store {
namespace {

using account::TokenHash;
using account::Uuid;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using testing::IsOk;

class SqlCodecTest : public testing::PostgresTest {};

WallTime AtMicroseconds(int64_t count) { return WallTime(microseconds(count)); }

TEST_F(SqlCodecTest, TimesSurviveEverySessionSetting) {
  testing::SqlConnection database(postgres().url());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<int64_t> counts = {0, 1, -1, 999'999, 1'000'000, -1'000'000, 1'700'000'000'123'456};
  for (int i = 0; i < 50; ++i) counts.push_back(static_cast<int64_t>(random() % (1ull << 52)));
  for (const char* settings : {"SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'",
                               "SET timezone = 'America/St_Johns'; SET datestyle = 'SQL, DMY'",
                               "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German, YMD'"}) {
    database.Execute(settings);
    for (const int64_t count : counts) {
      const std::string answer =
          database.QueryValue("SELECT (extract(epoch FROM $1::timestamptz) * 1e6)::bigint",
                              {Encode(AtMicroseconds(count)).value()});
      const pool::Row row = {answer};
      RowReader reader(row);
      EXPECT_EQ(reader.ReadTime(), AtMicroseconds(count)) << settings;
      EXPECT_THAT(reader.status(), IsOk());
    }
  }
}

TEST(EncodeTest, TimesAreRoundedDown) {
  EXPECT_EQ(Encode(WallTime(nanoseconds(1'999))), "1970-01-01 00:00:00.000001+00");
  EXPECT_EQ(Encode(WallTime(nanoseconds(-1))), "1969-12-31 23:59:59.999999+00");
}

TEST_F(SqlCodecTest, BytesAndIdsArrive) {
  testing::SqlConnection database(postgres().url());
  TokenHash hash;
  for (size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<uint8_t>(i * 8);
  EXPECT_EQ(database.QueryValue("SELECT encode($1::bytea, 'hex')", {Encode(hash).value()}),
            "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
  const Uuid id = Uuid::NewV7(WallTime());
  const pool::Row row = {database.QueryValue("SELECT $1::uuid", {Encode(id).value()})};
  EXPECT_EQ(RowReader(row).ReadUuid(), id);
  EXPECT_EQ(Encode(std::optional<Uuid>()), std::nullopt);
}

TEST(RowReaderTest, ReadsInOrder) {
  const pool::Row row = {"text", "-7", std::nullopt, "5", std::nullopt};
  RowReader reader(row);
  EXPECT_EQ(reader.ReadText(), "text");
  EXPECT_EQ(reader.ReadInt(), -7);
  EXPECT_EQ(reader.ReadOptionalTime(), std::nullopt);
  EXPECT_EQ(reader.ReadOptionalTime(), AtMicroseconds(5));
  EXPECT_EQ(reader.ReadOptionalUuid(), std::nullopt);
  EXPECT_THAT(reader.status(), IsOk());
}

TEST(RowReaderTest, KeepsTheFirstFaultAndDoesNotShowTheValue) {
  const pool::Row row = {"secret", std::nullopt};
  RowReader reader(row);
  EXPECT_EQ(reader.ReadInt(), 0);
  EXPECT_EQ(reader.ReadText(), "");
  EXPECT_EQ(reader.ReadUuid(), Uuid());
  EXPECT_EQ(reader.status().message(), "column 1 of the answer is not an integer");
}

TEST(RowReaderTest, MissesColumnsAndValues) {
  const pool::Row none;
  RowReader empty(none);
  empty.ReadText();
  EXPECT_EQ(empty.status().message(), "column 1 of the answer is not there");
  const pool::Row null = {std::nullopt};
  RowReader reader(null);
  reader.ReadUuid();
  EXPECT_EQ(reader.status().message(), "column 1 of the answer is not a value");
  const pool::Row one = {"1"};
  RowReader beyond(one);
  beyond.ReadInt();
  beyond.ReadInt();
  EXPECT_EQ(beyond.status().message(), "column 2 of the answer is not there");
}

}  // namespace
}  // namespace auth::store
