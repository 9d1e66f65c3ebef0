#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/config/option.h"
#include "server/config/options.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"

namespace auth::server {
namespace {

using auth::testing::IsOk;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUrl[] = "postgresql://app:s3cret@db.example:5433/users";
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

// The files of a certificate and its key.
struct TlsPair {
  auth::testing::TemporaryDirectory directory;
  auth::testing::TestCertificate pem =
      auth::testing::MakeSelfSignedCertificate("localhost", "DNS:localhost");
  std::string cert = directory.Write("cert.pem", pem.certificate);
  std::string key = directory.Write("key.pem", pem.key);
};

const TlsPair& Tls() {
  static const TlsPair pair;
  return pair;
}

class ConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::variant<Config, PrintAndExit>> Load(std::vector<std::string> arguments) {
    return LoadConfig(arguments, environment_, machine_);
  }

  // The configuration with a database given.
  Config Good(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), std::string("--database-url=") + kUrl);
    const auto loaded = Load(arguments);
    EXPECT_THAT(loaded, IsOk());
    if (!loaded.ok()) return Config{};
    EXPECT_TRUE(std::holds_alternative<Config>(*loaded));
    return std::get<Config>(*loaded);
  }

  // The sentence that a wrong configuration is refused with.
  std::string Refusal(std::vector<std::string> arguments) {
    const auto loaded = Load(arguments);
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(loaded.status().message());
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    return message;
  }
  std::string RefusalWithDatabase(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string("--database-url=") + kUrl);
    return Refusal(arguments);
  }

  std::string Printed(std::vector<std::string> arguments) {
    const auto loaded = Load(arguments);
    EXPECT_THAT(loaded, IsOk());
    if (!loaded.ok() || !std::holds_alternative<PrintAndExit>(*loaded)) return "";
    return std::get<PrintAndExit>(*loaded).text;
  }

  const auth::testing::TemporaryDirectory directory_;
  Environment environment_;
  Machine machine_{.cpus = 4, .memory_bytes = 8 * kGiB, .stderr_is_terminal = false};
};

TEST_F(ConfigTest, DefaultsAreThePublishedOnes) {
  const Config config = Good();
  EXPECT_EQ(config.listen.ToString(), "127.0.0.1:50051");
  ASSERT_TRUE(config.http_listen);
  EXPECT_EQ(config.http_listen->ToString(), "127.0.0.1:8000");
  EXPECT_TRUE(config.cors_origins.empty());
  EXPECT_TRUE(config.service_tokens_file.empty());
  ASSERT_TRUE(config.ops_listen);
  EXPECT_EQ(config.ops_listen->ToString(), "127.0.0.1:9090");
  EXPECT_EQ(config.migrate, MigrateMode::kAuto);
  EXPECT_EQ(config.pool_mode, PoolMode::kAuto);
  EXPECT_EQ(config.max_deadline, std::chrono::seconds(15));
  EXPECT_EQ(config.argon2_memory_kib, 19456U);
  EXPECT_EQ(config.argon2_iterations, 2U);
  EXPECT_EQ(config.argon2_parallelism, 1U);
  EXPECT_EQ(config.hash_workers, 4);
  EXPECT_EQ(config.hash_queue, 256);
  EXPECT_EQ(config.session_ttl, std::chrono::hours(24));
  EXPECT_EQ(config.password_min_length, 8);
  EXPECT_EQ(config.password_min_guesses, 1e5);
  EXPECT_TRUE(config.rate_limit);
  EXPECT_TRUE(config.reflection);
  EXPECT_FALSE(config.tls());
  EXPECT_EQ(config.log_level, ops::LogLevel::kInfo);
  EXPECT_EQ(config.log_format, ops::LogFormat::kJson);
  EXPECT_EQ(config.drain_delay, std::chrono::seconds(0));
  EXPECT_EQ(config.drain_timeout, std::chrono::seconds(20));
  EXPECT_EQ(config.pool.max_connections, 10);
  EXPECT_EQ(config.pool.acquire_timeout, std::nullopt);
}

// A value for each option that differs from its default, as one would write it.
const std::map<std::string, std::string>& OtherValues() {
  static const auto* const kValues =
      new std::map<std::string, std::string>{{"listen", "127.0.0.1:1"},
                                             {"http-listen", "127.0.0.1:3"},
                                             {"ops-listen", "[::1]:2"},
                                             {"cors-origin", "https://a.example,http://b:8080"},
                                             {"service-tokens-file", "/tmp/tokens"},
                                             {"allow-plaintext", "on"},
                                             {"tls-cert", Tls().cert},
                                             {"tls-key", Tls().key},
                                             {"tls-client-ca", Tls().cert},
                                             {"reflection", "off"},
                                             {"port-file", "/tmp/ports"},
                                             {"otlp-endpoint", "http://127.0.0.1:4317"},
                                             {"migrate", "only"},
                                             {"pool-mode", "direct"},
                                             {"max-deadline", "2s"},
                                             {"session-ttl", "1h"},
                                             {"password-min-length", "15"},
                                             {"password-min-guesses", "1e+08"},
                                             {"rate-limit", "off"},
                                             {"argon2-memory-kib", "47104"},
                                             {"argon2-iterations", "3"},
                                             {"argon2-parallelism", "2"},
                                             {"allow-weak-hashing", "on"},
                                             {"hash-workers", "2"},
                                             {"hash-queue", "7"},
                                             {"log-level", "debug"},
                                             {"log-format", "text"},
                                             {"drain-delay", "3s"},
                                             {"drain-timeout", "4s"},
                                             {"pool-min-connections", "2"},
                                             {"pool-max-connections", "20"},
                                             {"pool-connect-timeout", "3s"},
                                             {"pool-acquire-timeout", "500ms"},
                                             {"pool-max-retries", "5"},
                                             {"pool-retry-delay", "100ms"},
                                             {"pool-idle-timeout", "1m"},
                                             {"pool-max-lifetime", "10m"},
                                             {"pool-validate-after-idle", "10s"},
                                             {"pool-max-waiters", "9"},
                                             {"pool-outage-patience", "1m"},
                                             {"pool-ping-timeout", "100ms"},
                                             {"pool-leak-threshold", "1m"}};
  return *kValues;
}

// Each option by itself: the flag beats the environment, that beats the file, that beats the
// default.
TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  int tried = 0;
  const Config defaults = Good();
  for (const Option& option : AllOptions()) {
    if (std::count(std::begin(kDatabaseOptions), std::end(kDatabaseOptions), option.name) > 0) {
      continue;
    }
    SCOPED_TRACE(option.name);
    const std::string other = OtherValues().at(option.name);
    const std::string usual = option.show(defaults);
    ASSERT_NE(other, usual);
    const std::string flag = "--" + option.name + "=";
    const std::string variable = EnvironmentName(option.name);
    // The options that need each other.
    std::vector<std::string> context;
    if (absl::StartsWith(option.name, "tls-")) {
      context = {"--tls-cert=" + Tls().cert, "--tls-key=" + Tls().key};
      std::erase(context, flag + other);
    }
    const auto shown = [&](const std::string& extra = "") {
      std::vector<std::string> arguments = context;
      if (!extra.empty()) arguments.push_back(extra);
      return option.show(Good(arguments));
    };

    EXPECT_EQ(shown(flag + other), other) << "flag";
    environment_[variable] = other;
    EXPECT_EQ(shown(), other) << "environment";
    // A value of its own for each source shows who wins; those that have none are read alike.
    if (!usual.empty()) {
      EXPECT_EQ(shown(flag + usual), usual) << "flag over environment";
    }
    environment_.erase(variable);
    context.push_back("--config=" +
                      directory_.Write(option.name, option.name + " = " + other + "\n"));
    EXPECT_EQ(shown(), other) << "file";
    if (!usual.empty()) {
      environment_[variable] = usual;
      EXPECT_EQ(shown(), usual) << "environment over file";
      environment_.erase(variable);
    }
    ++tried;
  }
  EXPECT_EQ(tried, static_cast<int>(OtherValues().size()));
}

TEST_F(ConfigTest, TheFileMayBeNamedByTheEnvironment) {
  environment_["AUTH_CONFIG"] = directory_.Write("conf", "hash-queue = 3\n");
  EXPECT_EQ(Good().hash_queue, 3);
}

TEST_F(ConfigTest, OfARepeatedFlagTheLastCounts) {
  EXPECT_EQ(Good({"--hash-queue=1", "--hash-queue", "2"}).hash_queue, 2);
}

TEST_F(ConfigTest, SwitchesStandAloneOrSayOnOff) {
  EXPECT_TRUE(Good({"--allow-plaintext"}).allow_plaintext);
  EXPECT_TRUE(Good({"--allow-plaintext=on"}).allow_plaintext);
  EXPECT_FALSE(Good({"--allow-plaintext", "--allow-plaintext=off"}).allow_plaintext);
  EXPECT_THAT(RefusalWithDatabase({"--allow-plaintext=perhaps"}), HasSubstr("on, off"));
}

TEST_F(ConfigTest, EmptyVariablesAreNotGivenExceptWhereEmptyMeansOff) {
  environment_["AUTH_MAX_DEADLINE"] = "";
  environment_["AUTH_TLS_CERT"] = "";
  environment_["AUTH_OPS_LISTEN"] = "";
  const Config config = Good();
  EXPECT_EQ(config.max_deadline, std::chrono::seconds(15));
  EXPECT_FALSE(config.ops_listen);
  environment_.clear();
  EXPECT_FALSE(Good({"--ops-listen="}).ops_listen);
  EXPECT_FALSE(Good({"--ops-listen", ""}).ops_listen);
}

TEST_F(ConfigTest, UnknownFlagsNameTheClosest) {
  EXPECT_THAT(RefusalWithDatabase({"--lisen=127.0.0.1:1"}),
              AllOf(HasSubstr("--lisen"), HasSubstr("did you mean --listen?")));
  EXPECT_THAT(RefusalWithDatabase({"serve"}), HasSubstr("`serve`"));
  EXPECT_THAT(RefusalWithDatabase({"--hash-queue"}), HasSubstr("--hash-queue"));
}

TEST_F(ConfigTest, WrongValuesNameTheSourceAndWhatIsWanted) {
  EXPECT_THAT(RefusalWithDatabase({"--max-deadline=15"}),
              AllOf(HasSubstr("--max-deadline (`15`)"), HasSubstr("500ms")));
  EXPECT_THAT(RefusalWithDatabase({"--max-deadline=0"}), HasSubstr("at least 1ms"));
  EXPECT_THAT(RefusalWithDatabase({"--migrate=yes"}), HasSubstr("auto, only, off"));
  EXPECT_THAT(RefusalWithDatabase({"--listen=50051"}), HasSubstr("HOST:PORT"));
  EXPECT_THAT(RefusalWithDatabase({"--hash-queue=many"}), HasSubstr("whole number"));
  EXPECT_THAT(RefusalWithDatabase({"--hash-queue=1.5"}), HasSubstr("whole number"));
  EXPECT_THAT(RefusalWithDatabase({"--password-min-guesses=nan"}), HasSubstr("number"));
  EXPECT_THAT(RefusalWithDatabase({"--password-min-guesses=0"}), HasSubstr("from 1"));
  environment_["AUTH_HASH_WORKERS"] = "0";
  EXPECT_THAT(RefusalWithDatabase({}),
              AllOf(HasSubstr("AUTH_HASH_WORKERS (`0`)"), HasSubstr("from 1")));
}

TEST_F(ConfigTest, PoolRulesSpeakOfFlags) {
  EXPECT_THAT(RefusalWithDatabase({"--pool-max-connections=0"}),
              HasSubstr("--pool-max-connections is 0"));
  EXPECT_THAT(RefusalWithDatabase({"--pool-min-connections=11"}),
              HasSubstr("--pool-min-connections is 11"));
  EXPECT_THAT(RefusalWithDatabase({"--pool-ping-timeout=0"}), HasSubstr("--pool-ping-timeout"));
}

// Which database.

TEST_F(ConfigTest, WithoutADatabaseItSaysHowToNameOne) {
  EXPECT_THAT(Refusal({}), AllOf(HasSubstr("--database-url"), HasSubstr("AUTH_DATABASE_URL"),
                                 HasSubstr("--embedded-postgres")));
}

TEST_F(ConfigTest, DatabaseUrlVariablesInTheirOrder) {
  const auto url = [this] { return std::get<Config>(*Load({})).database_url; };
  environment_["DATABASE_URL"] = "postgresql://third/db";
  EXPECT_EQ(url(), "postgresql://third/db");
  environment_["NEON_DB_URL"] = "postgresql://second/db";
  EXPECT_EQ(url(), "postgresql://second/db");
  environment_["AUTH_DATABASE_URL"] = "postgresql://first/db";
  EXPECT_EQ(url(), "postgresql://first/db");
  EXPECT_EQ(Good().database_url, kUrl);
}

TEST_F(ConfigTest, TheUrlFileIsReadAgain) {
  const std::string path = directory_.Write("url", "postgresql://app:old@db/users\n");
  environment_["AUTH_DATABASE_URL_FILE"] = path;
  environment_["DATABASE_URL"] = "postgresql://other/db";
  const auto loaded = Load({});
  ASSERT_THAT(loaded, IsOk());
  const auto& config = std::get<Config>(*loaded);
  EXPECT_EQ(config.database_url, "postgresql://app:old@db/users");

  std::ofstream(path) << "postgresql://app:new@db/users";
  EXPECT_EQ(*config.CurrentDatabaseUrl(), "postgresql://app:new@db/users");
  std::ofstream(path) << "\n";
  EXPECT_EQ(config.CurrentDatabaseUrl().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ConfigTest, AMissingUrlFileIsNamed) {
  EXPECT_THAT(Refusal({"--database-url-file=/nonexistent/url"}), HasSubstr("/nonexistent/url"));
}

// A mount that came out wrong; it opens, and only reading it fails.
TEST_F(ConfigTest, ADirectoryIsNoUrlFile) {
  const std::string directory = directory_.path();
  EXPECT_THAT(Refusal({"--database-url-file=" + directory}), HasSubstr(directory));

  const std::string path = directory_.Write("url", kUrl);
  const auto loaded = Load({"--database-url-file=" + path});
  ASSERT_THAT(loaded, IsOk());
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(std::get<Config>(*loaded).CurrentDatabaseUrl().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ConfigTest, TwoDatabasesInOneSourceAreRefused) {
  EXPECT_THAT(RefusalWithDatabase({"--embedded-postgres=/tmp/x"}),
              AllOf(HasSubstr("--database-url"), HasSubstr("--embedded-postgres"),
                    Not(HasSubstr("s3cret"))));
  environment_["AUTH_DATABASE_URL"] = kUrl;
  environment_["AUTH_DATABASE_URL_FILE"] = "/tmp/url";
  EXPECT_THAT(Refusal({}),
              AllOf(HasSubstr("AUTH_DATABASE_URL "), HasSubstr("AUTH_DATABASE_URL_FILE")));
}

TEST_F(ConfigTest, TheStrongestSourceThatNamesADatabaseDecidesAlone) {
  environment_["DATABASE_URL"] = kUrl;
  const auto embedded = Load({"--embedded-postgres=/tmp/data"});
  ASSERT_THAT(embedded, IsOk());
  EXPECT_EQ(std::get<Config>(*embedded).embedded_postgres, "/tmp/data");
  EXPECT_EQ(std::get<Config>(*embedded).database_url, "");

  environment_["AUTH_EMBEDDED_POSTGRES"] = "/tmp/data";
  EXPECT_EQ(std::get<Config>(*Load({})).embedded_postgres, "/tmp/data");
  EXPECT_EQ(Good().embedded_postgres, "");
}

TEST_F(ConfigTest, MalformedUrlsAreRefusedWithoutShowingThem) {
  for (const char* url : {"postgresql://app:s3cret@localhost:notaport/db", "s3cret",
                          "postgresql://app:s3c@ret@host/db", "mysql://app:s3cret@host/db"}) {
    EXPECT_THAT(Refusal({std::string("--database-url=") + url}),
                AllOf(HasSubstr("database URL"), Not(HasSubstr("s3c"))));
  }
}

// TLS and plaintext.

TEST_F(ConfigTest, HalfMadeTlsIsRefused) {
  EXPECT_THAT(RefusalWithDatabase({"--tls-cert=" + Tls().cert}), HasSubstr("--tls-key"));
  EXPECT_THAT(RefusalWithDatabase({"--tls-key=" + Tls().key}), HasSubstr("--tls-cert"));
  EXPECT_THAT(RefusalWithDatabase({"--tls-client-ca=" + Tls().cert}), HasSubstr("--tls-cert"));
  EXPECT_THAT(RefusalWithDatabase({"--tls-cert=/nonexistent.pem", "--tls-key=" + Tls().key}),
              HasSubstr("/nonexistent.pem"));
  EXPECT_THAT(RefusalWithDatabase({"--tls-cert=" + Tls().cert, "--tls-key=" + Tls().cert}),
              HasSubstr("private key"));
}

TEST_F(ConfigTest, PlaintextStaysOnThisMachineUnlessAllowed) {
  const std::vector<std::string> tls = {"--tls-cert=" + Tls().cert, "--tls-key=" + Tls().key};
  for (const char* address :
       {"0.0.0.0:1", "[::]:1", "192.0.2.1:1", "example.com:1", "127.example.com:1"}) {
    SCOPED_TRACE(address);
    const std::string listen = std::string("--listen=") + address;
    const std::string ops_listen = std::string("--ops-listen=") + address;
    EXPECT_THAT(RefusalWithDatabase({listen}),
                AllOf(HasSubstr("--tls-cert"), HasSubstr("--allow-plaintext")));
    EXPECT_THAT(RefusalWithDatabase({ops_listen}), HasSubstr("--allow-plaintext"));
    Good({listen, "--allow-plaintext"});
    Good({ops_listen, "--allow-plaintext"});
    Good({listen, tls[0], tls[1]});
    EXPECT_THAT(RefusalWithDatabase({ops_listen, tls[0], tls[1]}), HasSubstr("plain HTTP"))
        << "the ops listener has no TLS";
  }
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    Good({std::string("--listen=") + address, std::string("--ops-listen=") + address});
  }
}

// As in a Job with the image's AUTH_LISTEN, or with the servers' configuration but not their files.
TEST_F(ConfigTest, WhoOnlyMigratesNeedNotSayHowToServe) {
  const std::vector<std::string> flags = {"--listen=0.0.0.0:1", "--ops-listen=0.0.0.0:2",
                                          "--tls-cert=/nonexistent.pem", "--hash-workers=1024"};
  RefusalWithDatabase(flags);
  std::vector<std::string> only = flags;
  only.emplace_back("--migrate=only");
  EXPECT_EQ(Good(only).migrate, MigrateMode::kOnly);
  only.emplace_back("--pool-max-connections=0");
  EXPECT_THAT(RefusalWithDatabase(only), HasSubstr("--pool-max-connections"));
}

TEST_F(ConfigTest, DefaultsThatFollowTheListener) {
  const Config open = Good({"--listen=0.0.0.0:1", "--allow-plaintext"});
  EXPECT_FALSE(open.reflection);
  EXPECT_EQ(open.drain_delay, std::chrono::seconds(5));
  const Config told =
      Good({"--listen=0.0.0.0:1", "--allow-plaintext", "--reflection=on", "--drain-delay=0s"});
  EXPECT_TRUE(told.reflection);
  EXPECT_EQ(told.drain_delay, std::chrono::seconds(0));
}

TEST_F(ConfigTest, ATerminalGetsText) {
  machine_.stderr_is_terminal = true;
  EXPECT_EQ(Good().log_format, ops::LogFormat::kText);
  EXPECT_EQ(Good({"--log-format=json"}).log_format, ops::LogFormat::kJson);
}

// Hashing.

TEST_F(ConfigTest, WeakHashingNeedsToBeAllowed) {
  EXPECT_THAT(RefusalWithDatabase({"--argon2-memory-kib=19455"}),
              HasSubstr("--allow-weak-hashing"));
  EXPECT_THAT(RefusalWithDatabase({"--argon2-iterations=1"}), HasSubstr("--allow-weak-hashing"));
  Good({"--argon2-memory-kib=47104", "--argon2-iterations=1"});
  EXPECT_EQ(Good({"--argon2-memory-kib=64", "--argon2-iterations=1", "--allow-weak-hashing"})
                .argon2_memory_kib,
            64U);
  EXPECT_THAT(RefusalWithDatabase(
                  {"--argon2-memory-kib=8", "--argon2-parallelism=2", "--allow-weak-hashing"}),
              HasSubstr("--argon2-parallelism"));
}

TEST_F(ConfigTest, HashMemoryStaysWithinHalfOfTheLimit) {
  machine_.memory_bytes = 2 * 4 * std::int64_t{19456} * 1024;  // four workers, exactly
  Good({"--hash-workers=4"});
  EXPECT_THAT(RefusalWithDatabase({"--hash-workers=5"}), HasSubstr("--hash-workers"));

  machine_.cpus = 64;
  EXPECT_EQ(Good().hash_workers, 4) << "the default fits itself in";
  machine_.memory_bytes.reset();
  EXPECT_EQ(Good().hash_workers, 64);
}

// What is printed.

TEST_F(ConfigTest, PrintConfigNeedsNoDatabase) {
  const std::string text = Printed({"--print-config"});
  EXPECT_THAT(text, HasSubstr("database-url =\n"));
  EXPECT_THAT(text, HasSubstr("pool-max-connections = 10\n"));
}

TEST_F(ConfigTest, PrintConfigShowsEveryOptionAndNoSecret) {
  const std::string text = Printed({"--database-url", kUrl, "--print-config", "--max-deadline=2s"});
  for (const Option& option : AllOptions()) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", option.name, " =")));
  }
  EXPECT_THAT(text, AllOf(HasSubstr("max-deadline = 2s\n"), HasSubstr("app:***@db.example:5433"),
                          Not(HasSubstr("s3cret")), Not(HasSubstr("ALTER ROLE"))));
}

TEST_F(ConfigTest, PrintConfigIsAConfigFile) {
  const std::vector<std::string> arguments = {"--embedded-postgres=/tmp/data", "--print-config",
                                              "--pool-acquire-timeout=1s", "--ops-listen="};
  const std::string text = Printed(arguments);
  EXPECT_EQ(Printed({"--config=" + directory_.Write("conf", text), "--print-config"}), text);
}

TEST_F(ConfigTest, PrintConfigRoundsNothing) {
  for (const double guesses :
       {1.0, 1e5, 1234567.0, 1.5, 100'000'000'000'000'000'000'000.0, 0x1p99}) {
    const std::string text = Printed({"--embedded-postgres=data", "--print-config",
                                      absl::StrFormat("--password-min-guesses=%.17g", guesses)});
    const auto read = Load({"--config=" + directory_.Write("conf", text)});
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(std::get<Config>(*read).password_min_guesses, guesses) << text;
  }
}

TEST_F(ConfigTest, PrintConfigQuotesWhatWouldBeReadOtherwise) {
  for (const char* name : {" a ", "\"a\"", "\"", "\"\"", "\" ", "a\"", "#a"}) {
    const std::string text =
        Printed({"--embedded-postgres=data", absl::StrCat("--port-file=", name), "--print-config"});
    EXPECT_EQ(Printed({"--config=" + directory_.Write("conf", text), "--print-config"}), text);
  }
}

TEST_F(ConfigTest, PrintConfigTellsHowToSetTimeoutsBehindAPooler) {
  const std::string url = std::string("--database-url=") + kUrl;
  EXPECT_THAT(Printed({url, "--pool-mode=transaction", "--print-config"}),
              AllOf(HasSubstr("ALTER ROLE \"app\" SET statement_timeout = '5s';"),
                    HasSubstr("ALTER ROLE \"app\" SET lock_timeout = '2s';")));
  const std::string neon = "--database-url=postgresql://app@ep-x-pooler.eu.neon.tech/users";
  EXPECT_THAT(Printed({neon, "--print-config"}), HasSubstr("ALTER ROLE"));
  EXPECT_THAT(Printed({neon, "--pool-mode=direct", "--print-config"}),
              Not(HasSubstr("ALTER ROLE")));
}

TEST_F(ConfigTest, HelpNamesEveryFlagAndFitsAPage) {
  const std::string help = Printed({"--help"});
  EXPECT_EQ(help, Printed({"-h"}));
  for (const Option& option : AllOptions()) {
    EXPECT_THAT(help, HasSubstr(absl::StrCat("\n  --", option.name)));
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST_F(ConfigTest, Version) {
  EXPECT_EQ(Printed({"--version"}), absl::StrCat("auth_server ", Version(), "\n"));
  EXPECT_THAT(Version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(ConfigTest, OriginsAreAsBrowsersSendThem) {
  EXPECT_THAT(Good({"--cors-origin=https://a.example, http://b:8080"}).cors_origins,
              ::testing::ElementsAre("https://a.example", "http://b:8080"));
  EXPECT_THAT(Good({"--cors-origin=*"}).cors_origins, ::testing::ElementsAre("*"));
  for (const char* origins :
       {"a.example", "https://a.example/", "ftp://a.example", "https://A.example",
        "https://a.example/x", "https://", "https://a, b"}) {
    EXPECT_THAT(RefusalWithDatabase({std::string("--cors-origin=") + origins}),
                HasSubstr("must be origins"))
        << origins;
  }
}

TEST_F(ConfigTest, JsonOverHttpMayBeOffAndNeedsConsentBeyondLoopback) {
  EXPECT_FALSE(Good({"--http-listen="}).http_listen);
  EXPECT_THAT(RefusalWithDatabase({"--http-listen=0.0.0.0:8000"}), HasSubstr("plain HTTP"));
  EXPECT_TRUE(Good({"--http-listen=0.0.0.0:8000", "--allow-plaintext"}).http_listen);
}

}  // namespace
}  // namespace auth::server
