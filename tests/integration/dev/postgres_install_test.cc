#include "server/dev/postgres_install.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace auth::dev {
namespace {

using testing::IsOk;

TEST(PostgresInstallTest, FindsTheInstalledOne) {
  auto found = FindPostgres(std::nullopt, "");
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(std::filesystem::exists(*found / "initdb"));
}

TEST(PostgresInstallTest, FindsAnotherVersionAlongThePath) {
  const testing::TemporaryDirectory directory;
  for (const char* program : {"initdb", "postgres"}) {
    std::ofstream(directory.path() / program) << "";
    chmod((directory.path() / program).c_str(), 0755);
  }
  auto found = FindPostgres("999", "/nonexistent:" + directory.path().string());
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(*found, directory.path());
}

TEST(PostgresInstallTest, SaysWhichVersionIsMissing) {
  EXPECT_EQ(FindPostgres("999", "/nonexistent").status().message(),
            "this cluster was made by PostgreSQL 999, which is not installed: "
            "apt-get install postgresql-999, or choose another directory");
}

}  // namespace
}  // namespace auth::dev
