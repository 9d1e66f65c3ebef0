#include "server/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/options.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::server {
namespace {

using auth::testing::IsOk;
using ::testing::HasSubstr;

absl::StatusOr<Settings> Read(const std::string& text) {
  const auth::testing::TemporaryDirectory directory;
  return ReadConfigFile(directory.Write("auth.conf", text), AllOptions());
}

TEST(ConfigFileTest, ReadsNamesAndValues) {
  const auto settings = Read(
      "# comment\n\n  listen=0.0.0.0:1\r\n\thash-queue =  7  \n"
      "database-url = \"postgresql://u:p=#@h/db?a=b\"\nops-listen =\nmax-deadline =\n"
      "log-level = debug");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->size(), 5U);
  EXPECT_EQ(settings->at("listen").text, "0.0.0.0:1");
  EXPECT_EQ(settings->at("hash-queue").text, "7");
  EXPECT_EQ(settings->at("database-url").text, "postgresql://u:p=#@h/db?a=b");
  EXPECT_EQ(settings->at("ops-listen").text, "");
  EXPECT_EQ(settings->at("log-level").text, "debug");
}

TEST(ConfigFileTest, ErrorsNameTheLine) {
  const auto message = [](const std::string& text) {
    const auto settings = Read(text);
    EXPECT_THAT(settings, auth::testing::StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(settings.status().message());
  };
  EXPECT_THAT(message("\nlisten\n"), HasSubstr("line 2: write `name = value`"));
  EXPECT_THAT(message("lisen = x\n"),
              HasSubstr("line 1: `lisen` is no option; did you mean listen?"));
  EXPECT_THAT(message("hash-queue = 1\nhash-queue = 2\n"),
              HasSubstr("line 2: hash-queue is set twice"));
}

TEST(ConfigFileTest, AMissingFileOrADirectoryIsNamed) {
  for (const char* path : {"/nonexistent/auth.conf", "/tmp"}) {
    const auto settings = ReadConfigFile(path, AllOptions());
    EXPECT_FALSE(settings.ok()) << path;
    EXPECT_THAT(std::string(settings.status().message()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace auth::server
