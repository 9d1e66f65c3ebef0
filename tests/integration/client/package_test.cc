// The CMake package, as a project of somebody else uses it: installed, found, linked and run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/client/child_program.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/client/fake_auth_server.h"

namespace auth::testing {
namespace {

using ::testing::HasSubstr;

class PackageTest : public ::testing::Test {
 protected:
  void MustRun(const std::vector<std::string>& arguments) const {
    const Ended ended = RunProgram(arguments);
    ASSERT_EQ(ended.exit_code, 0) << ::testing::PrintToString(arguments) << "\n"
                                  << ended.out << ended.err;
  }

  const TemporaryDirectory directory_;
};

TEST_F(PackageTest, AConsumerFindsLinksAndRunsIt) {
  const std::string prefix = directory_.path() / "prefix";
  const std::string build = directory_.path() / "build";
  ASSERT_NO_FATAL_FAILURE(MustRun({CMAKE_PROGRAM, "--install", PROJECT_BUILD_DIR, "--prefix",
                                   prefix, "--component", "auth_client"}));
  EXPECT_TRUE(std::filesystem::exists(prefix + "/share/auth_service/service_config.json"));
  EXPECT_TRUE(
      std::filesystem::exists(prefix + "/share/auth_service/protos/auth/v1/auth_service.proto"));
  EXPECT_TRUE(std::filesystem::exists(prefix + "/include/auth_service/client/mock_auth_client.h"));

  ASSERT_NO_FATAL_FAILURE(
      MustRun({CMAKE_PROGRAM, "-S", EXAMPLE_DIR, "-B", build, "-G", "Ninja",
               "-DCMAKE_PREFIX_PATH=" + prefix, "-DCMAKE_CXX_COMPILER=" COMPILER,
               "-DCMAKE_CXX_FLAGS=" SANITIZER_FLAGS}));
  ASSERT_NO_FATAL_FAILURE(MustRun({CMAKE_PROGRAM, "--build", build}));

  FakeAuthServer server;
  const Ended ended = RunProgram({build + "/register_user", server.address(), "ana@example.com"},
                                 {.environment = {{"PASSWORD", "correct horse battery staple"}}});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, std::string("ana@example.com has the id ") + kUserId + "\n");

  server.AnswerNext(ServiceError(grpc::StatusCode::ALREADY_EXISTS, "EMAIL_ALREADY_REGISTERED", ""));
  EXPECT_EQ(RunProgram({build + "/register_user", server.address(), "ana@example.com"},
                       {.environment = {{"PASSWORD", "correct horse battery staple"}}})
                .exit_code,
            0);
}

TEST_F(PackageTest, TheClientAloneNeedsNothingOfTheServer) {
  const std::string build = directory_.path() / "build";
  ASSERT_NO_FATAL_FAILURE(MustRun({CMAKE_PROGRAM, "-S", PROJECT_DIR, "-B", build, "-G", "Ninja",
                                   "-DCMAKE_CXX_COMPILER=" COMPILER, "-DAUTH_BUILD_SERVER=OFF",
                                   "-DAUTH_BUILD_TESTS=OFF"}));
  const Ended targets = RunProgram({CMAKE_PROGRAM, "--build", build, "--target", "help"});
  EXPECT_THAT(targets.out, HasSubstr("auth_client:"));
  EXPECT_THAT(targets.out, HasSubstr("authctl:"));
  EXPECT_THAT(targets.out, ::testing::Not(HasSubstr("auth_server:")));
  std::ifstream cache(build + "/CMakeCache.txt");
  const std::string variables{std::istreambuf_iterator<char>(cache), {}};
  for (const char* library : {"PQXX", "ARGON2", "MICROHTTPD", "ZXCVBN", "spdlog", "prometheus"}) {
    EXPECT_THAT(variables, ::testing::Not(HasSubstr(library)));
  }
}

}  // namespace
}  // namespace auth::testing
