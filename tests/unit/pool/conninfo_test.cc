#include "pool/conninfo.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pool/sql_error.h"
#include "tests/support/status_matchers.h"

namespace auth::pool {
namespace {

TEST(ConninfoTest, ReadsUrisAndKeywords) {
  const absl::StatusOr<Conninfo> uri =
      Conninfo::Parse("postgresql://auth:p%40ss@db.example:6432/users?sslmode=require");
  ASSERT_THAT(uri, testing::IsOk());
  EXPECT_EQ(uri->Get("host"), "db.example");
  EXPECT_EQ(uri->Get("port"), "6432");
  EXPECT_EQ(uri->Get("password"), "p@ss");
  EXPECT_EQ(uri->Get("sslmode"), "require");
  EXPECT_EQ(uri->Get("application_name"), "");

  const absl::StatusOr<Conninfo> keywords =
      Conninfo::Parse("host=/run/pg dbname=users password='it''s'");
  EXPECT_THAT(keywords, testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Conninfo::Parse("host=/run/pg dbname=users"), testing::IsOk());
}

TEST(ConninfoTest, DefaultsGiveWayToWhatIsWritten) {
  absl::StatusOr<Conninfo> conninfo = Conninfo::Parse("postgresql://h/d?keepalives_idle=7");
  ASSERT_THAT(conninfo, testing::IsOk());
  conninfo->SetDefault("keepalives_idle", "30");
  conninfo->SetDefault("keepalives_count", "3");
  EXPECT_EQ(conninfo->Get("keepalives_idle"), "7");
  EXPECT_EQ(conninfo->Get("keepalives_count"), "3");
}

TEST(ConninfoTest, SplitsHosts) {
  const absl::StatusOr<Conninfo> own_ports = Conninfo::Parse("postgresql://a:1,b:2,[::1]:3/d");
  ASSERT_THAT(own_ports, testing::IsOk());
  std::vector<std::string> addresses;
  for (const Conninfo& host : own_ports->SplitHosts()) addresses.push_back(host.Address());
  EXPECT_EQ(addresses, (std::vector<std::string>{"a:1", "b:2", "[::1]:3"}));

  const absl::StatusOr<Conninfo> one_port = Conninfo::Parse("host=a,b port=7 dbname=d");
  ASSERT_THAT(one_port, testing::IsOk());
  ASSERT_EQ(one_port->SplitHosts().size(), 2u);
  EXPECT_EQ(one_port->SplitHosts()[1].Address(), "b:7");
  EXPECT_EQ(one_port->SplitHosts()[1].Get("dbname"), "d");

  ASSERT_EQ(Conninfo::Parse("dbname=d")->SplitHosts().size(), 1u);
}

TEST(ConninfoTest, KnowsWhichHostsAreNames) {
  const auto name = [](const char* text) { return Conninfo::Parse(text)->NameToResolve(); };
  EXPECT_EQ(name("host=db.example"), "db.example");
  EXPECT_EQ(name("host=db.example hostaddr=192.0.2.1"), "");
  EXPECT_EQ(name("hostaddr=192.0.2.1"), "");
  EXPECT_EQ(name("host=/run/postgresql"), "");
  EXPECT_EQ(name("host=@abstract"), "");
  EXPECT_EQ(name("dbname=d"), "");
}

TEST(ConninfoTest, RefusesHostListsThatDoNotMatch) {
  EXPECT_FALSE(Conninfo::Parse("host=a,b,c port=1,2").ok());
  EXPECT_FALSE(Conninfo::Parse("host=a,b hostaddr=127.0.0.1").ok());
}

TEST(ConninfoTest, KnowsPoolerHosts) {
  EXPECT_TRUE(Conninfo::Parse("postgresql://ep-cool-1-pooler.eu.neon.tech/d")->HasPoolerHost());
  EXPECT_TRUE(Conninfo::Parse("postgresql://a,b-pooler/d")->HasPoolerHost());
  EXPECT_FALSE(Conninfo::Parse("postgresql://ep-cool-1.eu-pooler.neon.tech/d")->HasPoolerHost());
  EXPECT_FALSE(Conninfo::Parse("dbname=d-pooler")->HasPoolerHost());
}

TEST(ConninfoTest, ComplaintsNeverQuoteThePassword) {
  const std::vector<std::string> malformed = {
      "postgresql://auth:secret%zz@h/d", "postgresql://auth:secret@[::1/d",
      "postgresql://auth:x@secret@h/d",  "host=h password=secret junk",
      "host=h password='secret",         "postgresql://auth:secret@h/d?nonsense=1",
      "postgresql://auth:x/secret@h/d",  "postgresql://auth:x/d?secret=y@h/d",
      "postgresql://auth:x@@secret@h/d",
  };
  for (const std::string& text : malformed) {
    const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse(text);
    ASSERT_THAT(conninfo, testing::StatusIs(absl::StatusCode::kFailedPrecondition)) << text;
    EXPECT_EQ(GetSqlError(conninfo.status())->fault, SqlFault::kConfiguration);
    EXPECT_EQ(conninfo.status().message().find("secret"), absl::string_view::npos)
        << conninfo.status();
  }
  for (const char* text : {"host=h nonsense=1", "postgresql://auth:secret@h/d?nonsense=1"}) {
    EXPECT_NE(Conninfo::Parse(text).status().message().find("\"nonsense\")"),
              absl::string_view::npos);
  }
}

TEST(RedactUrlTest, HidesPasswords) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"postgresql://auth:secret@h:5432/d?x=1", "postgresql://auth:***@h:5432/d?x=1"},
      {"postgres://auth:se@cret@h/d", "postgres://auth:***@h/d"},
      {"postgres://auth:se/cret?@h/d", "postgres://auth:***@h/d"},
      {"postgres://auth@h:5432/d", "postgres://auth@h:5432/d"},
      {"postgres://h:5432/d", "postgres://h:5432/d"},
      {"postgres://h/d?user=auth&password=secret&x=1", "postgres://h/d?user=auth&password=***&x=1"},
      {"postgres://a:secret@h/d?sslpassword=secret", "postgres://a:***@h/d?sslpassword=***"},
      {"host=h password=secret user=auth", "host=h password=*** user=auth"},
      {"host=h password = 'se cr\\'et' user=auth", "host=h password = *** user=auth"},
      {"password='secret", "password=***"},
      {"password='it's' secret' host=h", "password=***"},
      {"password=se\\ cret host=h", "password=*** host=h"},
      {"password=", "password=***"},
      {"host=h password='se://cr@et' user=auth", "host=h password=*** user=auth"},
      {"", ""},
  };
  for (const auto& [url, redacted] : cases) EXPECT_EQ(RedactUrl(url), redacted);
}

}  // namespace
}  // namespace auth::pool
