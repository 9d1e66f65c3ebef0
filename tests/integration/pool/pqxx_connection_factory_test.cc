#include "pool/pqxx_connection_factory.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/pool/connect_fixture.h"
#include "tests/integration/pool/loopback_listener.h"
#include "tests/support/postgres_tls.h"

namespace auth::pool {
namespace {

using testing::FatalError;
using testing::LoopbackListener;

constexpr int kRefusedPort = 1;

// Replaces what stands between "://" and the port of a URL.
std::string WithUser(const std::string& url, const std::string& user_and_password) {
  return "postgresql://" + user_and_password + url.substr(url.rfind('@'));
}

// Replaces the host of a URL.
std::string WithHost(const std::string& url, const std::string& host) {
  return url.substr(0, url.rfind('@') + 1) + host + url.substr(url.rfind(':'));
}

class PqxxConnectionFactoryTest : public ConnectFixture {
 protected:
  absl::Status ConnectFailure(const std::string& url, Duration timeout = seconds(10)) {
    const auto factory = MakeFactory(url);
    return factory == nullptr ? absl::InternalError("no factory")
                              : factory->Connect(In(timeout)).status();
  }
};

// --- Options -------------------------------------------------------------------------------------

TEST_F(PqxxConnectionFactoryTest, ADirectConnectionBoundsWhatTheServerDoesForUs) {
  const auto factory = MakeFactory(postgres().url());
  const auto connection = Connect(factory.get());
  EXPECT_FALSE(factory->transaction_pooling());
  EXPECT_EQ(Value(*connection, "SHOW application_name"), "auth_server");
  EXPECT_EQ(Value(*connection, "SHOW statement_timeout"), "5s");
  EXPECT_EQ(Value(*connection, "SHOW lock_timeout"), "2s");
  EXPECT_EQ(Value(*connection, "SHOW client_connection_check_interval"), "1s");
}

TEST_F(PqxxConnectionFactoryTest, WhatTheUrlSaysWins) {
  const auto factory =
      MakeFactory(postgres().url() + "?application_name=mine&options=-c%20statement_timeout%3D7s");
  const auto connection = Connect(factory.get());
  EXPECT_EQ(Value(*connection, "SHOW application_name"), "mine");
  EXPECT_EQ(Value(*connection, "SHOW statement_timeout"), "7s");
  EXPECT_EQ(Value(*connection, "SHOW lock_timeout"), "2s");
}

TEST_F(PqxxConnectionFactoryTest, APoolerHostNeedsNoQuestion) {
  const std::string url = "postgresql://u:p@ep-cool-1-pooler.eu.neon.tech/d";
  EXPECT_TRUE(MakeFactory(url)->transaction_pooling());
  EXPECT_FALSE(MakeFactory(url, PoolMode::kDirect)->transaction_pooling());
}

TEST_F(PqxxConnectionFactoryTest, AServerThatRefusesStartupOptionsIsAPooler) {
  const int port = postgres().port();
  const LoopbackListener pooler([port](int socket) {
    const std::string startup = testing::ReadStartup(socket);
    if (startup.find("options") != std::string::npos) {
      testing::Send(socket, FatalError("08P01", "unsupported startup parameter: options"));
    } else {
      testing::Relay(socket, port, startup);
    }
  });
  const std::string url = postgres().url();
  const std::string through = url.substr(0, url.rfind(':') + 1) + std::to_string(pooler.port()) +
                              "/postgres?sslmode=disable";
  const auto factory = MakeFactory(through);
  EXPECT_FALSE(factory->transaction_pooling());
  const auto connection = Connect(factory.get());
  EXPECT_TRUE(factory->transaction_pooling());
  EXPECT_EQ(Value(*connection, "SELECT count(*) FROM pg_prepared_statements"), "0");
  EXPECT_EQ(pooler.accepted(), 2);
  Connect(factory.get());
  EXPECT_EQ(pooler.accepted(), 3);  // the factory remembers

  ExpectFault(MakeFactory(through, PoolMode::kDirect)->Connect(In(seconds(5))).status(),
              SqlFault::kLost, "08P01");
}

TEST_F(PqxxConnectionFactoryTest, AnOldServerGetsTheOptionsThatItKnows) {
  const int port = postgres().port();
  const LoopbackListener old_server([port](int socket) {
    const std::string startup = testing::ReadStartup(socket);
    if (startup.find("client_connection_check_interval") != std::string::npos) {
      testing::Send(socket, FatalError("42704",
                                       "unrecognized configuration parameter "
                                       "\"client_connection_check_interval\""));
    } else {
      testing::Relay(socket, port, startup);
    }
  });
  const std::string url = postgres().url();
  const auto factory = MakeFactory(url.substr(0, url.rfind(':') + 1) +
                                   std::to_string(old_server.port()) + "/postgres?sslmode=disable");
  const auto connection = Connect(factory.get());
  EXPECT_FALSE(factory->transaction_pooling());
  EXPECT_EQ(Value(*connection, "SHOW statement_timeout"), "5s");
  Connect(factory.get());
  EXPECT_EQ(old_server.accepted(), 3);
}

// --- Refusals ------------------------------------------------------------------------------------

TEST_F(PqxxConnectionFactoryTest, MalformedUrlsAreRefusedAtOnce) {
  PqxxConnectionFactory::Options options;
  options.url_source = [] { return "postgresql://u:p@[::1/d"; };
  const auto factory = PqxxConnectionFactory::Create(std::move(options), &clock_);
  EXPECT_THAT(factory, StatusIs(absl::StatusCode::kFailedPrecondition));
  ExpectFault(factory.status(), SqlFault::kConfiguration);
}

TEST_F(PqxxConnectionFactoryTest, WhatSomebodyMustMendIsConfiguration) {
  const std::string url = postgres().url();
  const std::string closed = postgres().CreateDatabase();
  postgres().Execute("CREATE ROLE outsider LOGIN PASSWORD 'x'; REVOKE CONNECT ON DATABASE " +
                     closed.substr(closed.rfind('/') + 1) + " FROM PUBLIC");
  const std::string server = url.substr(0, url.rfind('/') + 1);

  const absl::Status wrong_password = ConnectFailure(WithUser(url, "postgres:hunter2"));
  ExpectFault(wrong_password, SqlFault::kConfiguration, "28P01");
  EXPECT_EQ(wrong_password.message().find("hunter2"), absl::string_view::npos) << wrong_password;
  EXPECT_EQ(wrong_password.message().find('\n'), absl::string_view::npos) << wrong_password;

  ExpectFault(ConnectFailure(WithUser(url, "nobody:x")), SqlFault::kConfiguration, "28P01");
  ExpectFault(ConnectFailure(WithUser(url, "postgres")), SqlFault::kConfiguration);
  ExpectFault(ConnectFailure(server + "missing"), SqlFault::kConfiguration, "3D000");
  ExpectFault(ConnectFailure(WithUser(closed, "outsider:x")), SqlFault::kConfiguration, "42501");
  ExpectFault(ConnectFailure(url + "?options=-c%20nonsense%3D1"), SqlFault::kConfiguration,
              "42704");
  ExpectFault(ConnectFailure(url + "?sslmode=nonsense"), SqlFault::kConfiguration);
  ExpectFault(ConnectFailure(url + "?sslmode=require"), SqlFault::kConfiguration);
  ExpectFault(ConnectFailure(url + "?sslmode=verify-full&sslrootcert=/nonexistent"),
              SqlFault::kConfiguration);
}

TEST_F(PqxxConnectionFactoryTest, WhatMayPassIsALoss) {
  const absl::Status refused =
      ConnectFailure("postgresql://auth:secret@127.0.0.1:" + std::to_string(kRefusedPort) + "/d");
  ExpectFault(refused, SqlFault::kLost);
  EXPECT_NE(refused.message().find("refused"), absl::string_view::npos) << refused;
  EXPECT_EQ(refused.message().find("secret"), absl::string_view::npos) << refused;
  ExpectFault(ConnectFailure("host=/nonexistent/socket"), SqlFault::kLost);
  ExpectFault(ConnectFailure("postgresql://no-such-host.invalid/d"), SqlFault::kLost);
  const LoopbackListener starting([](int socket) {
    testing::ReadStartup(socket);
    testing::Send(socket, FatalError("57P03", "the database system is starting up"));
  });
  ExpectFault(ConnectFailure(starting.url()), SqlFault::kLost, "57P03");
}

TEST_F(PqxxConnectionFactoryTest, AFullServerIsNamed) {
  postgres().Execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1 PASSWORD 'x'");
  const auto factory = MakeFactory(WithUser(postgres().url(), "few:x"));
  const auto first = Connect(factory.get());
  ExpectFault(factory->Connect(In(seconds(5))).status(), SqlFault::kServerFull, "53300");
}

TEST_F(PqxxConnectionFactoryTest, AReadOnlyServerIsLeftAloneWhereWritesAreWanted) {
  const std::string url = postgres().CreateDatabase();
  postgres().Execute("ALTER DATABASE " + url.substr(url.rfind('/') + 1) +
                     " SET default_transaction_read_only = on");
  ExpectFault(ConnectFailure(url + "?target_session_attrs=read-write"), SqlFault::kLost);
}

TEST_F(PqxxConnectionFactoryTest, APasswordIsReadAgainAtEachConnect) {
  postgres().Execute("CREATE ROLE rotating LOGIN PASSWORD 'old'");
  std::string password = "old";
  PqxxConnectionFactory::Options options;
  options.url_source = [&, url = postgres().url()] {
    return WithUser(url, "rotating:" + password);
  };
  const auto factory = PqxxConnectionFactory::Create(std::move(options), &clock_);
  ASSERT_THAT(factory, IsOk());
  EXPECT_THAT((*factory)->Connect(In(seconds(5))), IsOk());
  postgres().Execute("ALTER ROLE rotating PASSWORD 'new'");
  ExpectFault((*factory)->Connect(In(seconds(5))).status(), SqlFault::kConfiguration, "28P01");
  password = "new";
  EXPECT_THAT((*factory)->Connect(In(seconds(5))), IsOk());
}

// --- Several hosts -------------------------------------------------------------------------------

TEST_F(PqxxConnectionFactoryTest, TheNextHostIsTriedAfterARefusal) {
  const std::string url = postgres().url();
  const size_t host = url.rfind('@') + 1;
  const std::string hosts =
      url.substr(0, host) + "127.0.0.1:" + std::to_string(kRefusedPort) + "," + url.substr(host);
  EXPECT_NE(Connect(MakeFactory(hosts).get()), nullptr);
}

TEST_F(PqxxConnectionFactoryTest, ASilentHostTakesOnlyItsShareOfTheTime) {
  const LoopbackListener black_hole(testing::AwaitEnd);
  const std::string url = postgres().url();
  const size_t host = url.rfind('@') + 1;
  const auto factory =
      MakeFactory(url.substr(0, host) + "127.0.0.1:" + std::to_string(black_hole.port()) + "," +
                  url.substr(host));
  const MonotonicTime begin = clock_.Monotonic();
  EXPECT_THAT(factory->Connect(begin + seconds(1)), IsOk());
  EXPECT_GE(clock_.Monotonic() - begin, milliseconds(500));
  EXPECT_LT(clock_.Monotonic() - begin, seconds(1));
}

// A name of two addresses, such as one with an IPv6 route that leads nowhere.
TEST_F(PqxxConnectionFactoryTest, ASilentAddressTakesOnlyItsShareOfTheTime) {
  const LoopbackListener black_hole(testing::AwaitEnd, "127.0.0.2", postgres().port());
  const auto factory =
      MakeFactory(WithHost(postgres().url(), "two-addresses.invalid"), PoolMode::kAuto,
                  [](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
                    EXPECT_EQ(host, "two-addresses.invalid");
                    return std::vector<std::string>{"127.0.0.2", "127.0.0.1"};
                  });
  const MonotonicTime begin = clock_.Monotonic();
  EXPECT_THAT(factory->Connect(begin + seconds(1)), IsOk());
  EXPECT_EQ(black_hole.accepted(), 1);
  EXPECT_GE(clock_.Monotonic() - begin, milliseconds(500));
  EXPECT_LT(clock_.Monotonic() - begin, seconds(1));
}

// One that has accepted may be waking a database. A quarter of the time would not do for this one.
TEST_F(PqxxConnectionFactoryTest, AnAddressThatAcceptsTakesHalfOfTheTime) {
  const LoopbackListener slow(
      [](int socket) {
        const std::string startup = testing::ReadStartup(socket);
        testing::LetPass(milliseconds(300));
        testing::Relay(socket, postgres().port(), startup);
      },
      "127.0.0.2", postgres().port());
  const auto factory = MakeFactory(
      WithHost(postgres().url(), "four-addresses.invalid"), PoolMode::kAuto,
      [](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
        return std::vector<std::string>{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"};
      });
  EXPECT_THAT(factory->Connect(In(seconds(1))), IsOk());
}

TEST_F(PqxxConnectionFactoryTest, AFullServerIsNotHiddenByAnotherThatIsAway) {
  const LoopbackListener full([](int socket) {
    testing::ReadStartup(socket);
    testing::Send(socket, FatalError("53300", "too many clients already"));
  });
  const std::string hosts = "postgresql://u:p@127.0.0.1:" + std::to_string(full.port()) +
                            ",127.0.0.1:" + std::to_string(kRefusedPort) + "/d?sslmode=disable";
  ExpectFault(ConnectFailure(hosts), SqlFault::kServerFull, "53300");
}

TEST_F(PqxxConnectionFactoryTest, ASlowResolverTakesNoTimeFromTheServer) {
  const auto factory =
      MakeFactory(WithHost(postgres().url(), "slow.invalid"), PoolMode::kAuto,
                  [](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
                    testing::LetPass(milliseconds(1100));
                    return std::vector<std::string>{"127.0.0.1"};
                  });
  EXPECT_THAT(factory->Connect(In(seconds(1))), IsOk());
}

// Nor does the name of a server decide what its failure means.
TEST_F(PqxxConnectionFactoryTest, AServerMayBeNamedAfterCertificates) {
  const std::string name = "certificates-db.invalid";
  ExpectFault(ConnectFailure("host=" + name), SqlFault::kLost);
  ExpectFault(ConnectFailure("host=" + name + " hostaddr=127.0.0.1 port=1"), SqlFault::kLost);
}

TEST_F(PqxxConnectionFactoryTest, AFailureOfAllHostsTellsOfEach) {
  const absl::Status status = ConnectFailure("postgresql://127.0.0.1:1,127.0.0.1:2/d");
  EXPECT_NE(status.message().find("port 1"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("port 2"), absl::string_view::npos) << status;
}

// --- Time and cancellation -----------------------------------------------------------------------

// Where a server may stop answering.
const std::vector<std::pair<std::string, LoopbackListener::Handler>>& SilentServers() {
  static const std::vector<std::pair<std::string, LoopbackListener::Handler>> servers = {
      {"at the start", testing::AwaitEnd},
      {"at the first statement",
       [](int socket) {
         testing::ReadStartup(socket);
         testing::Send(socket, testing::Welcome());
         testing::AwaitEnd(socket);
       }},
  };
  return servers;
}

TEST_F(PqxxConnectionFactoryTest, ASilentServerIsGivenUpAtTheDeadline) {
  for (const auto& [where, handler] : SilentServers()) {
    SCOPED_TRACE(where);
    const LoopbackListener server(handler);
    const MonotonicTime begin = clock_.Monotonic();
    ExpectFault(ConnectFailure(server.url(), milliseconds(300)), SqlFault::kLost);
    EXPECT_GE(clock_.Monotonic() - begin, milliseconds(300));
    EXPECT_LE(clock_.Monotonic() - begin, milliseconds(450));
  }
}

TEST_F(PqxxConnectionFactoryTest, TheUrlsOwnTimeoutCounts) {
  const LoopbackListener server(testing::AwaitEnd);
  const MonotonicTime begin = clock_.Monotonic();
  ExpectFault(ConnectFailure(server.url() + "&connect_timeout=1", seconds(30)), SqlFault::kLost);
  EXPECT_LT(clock_.Monotonic() - begin, seconds(2));
}

TEST_F(PqxxConnectionFactoryTest, CancelEndsRunningAndLaterConnects) {
  for (const auto& [where, handler] : SilentServers()) {
    SCOPED_TRACE(where);
    const LoopbackListener server(handler);
    const auto factory = MakeFactory(server.url());
    std::vector<std::future<absl::Status>> connects;
    connects.reserve(4);
    for (int i = 0; i < 4; ++i) {
      connects.push_back(std::async(std::launch::async,
                                    [&] { return factory->Connect(In(seconds(60))).status(); }));
    }
    ASSERT_TRUE(testing::Eventually([&] { return server.accepted() == 4; }));
    const MonotonicTime begin = clock_.Monotonic();
    factory->Cancel();
    for (std::future<absl::Status>& connect : connects) {
      ExpectFault(connect.get(), SqlFault::kLost);
    }
    ExpectFault(factory->Connect(In(seconds(60))).status(), SqlFault::kLost);
    EXPECT_LT(clock_.Monotonic() - begin, seconds(1));
  }
}

// --- TLS -----------------------------------------------------------------------------------------

TEST_F(PqxxConnectionFactoryTest, OverTlsEverythingHolds) {
  const testing::TemporaryDirectory directory;
  testing::TestPostgres server(
      testing::TlsSettings(directory, testing::MakeSelfSignedCertificate("db", "DNS:localhost")));
  const std::string verify = server.url() + "?sslmode=verify-full&sslrootcert=" +
                             (directory.path() / "server.crt").string();

  // The certificate is for localhost and not for 127.0.0.1.
  const absl::Status wrong_name = ConnectFailure(verify);
  ExpectFault(wrong_name, SqlFault::kConfiguration);
  std::string named = verify;
  named.replace(named.find("127.0.0.1"), 9, "localhost");
  const auto factory = MakeFactory(named + "&hostaddr=127.0.0.1");
  auto connection = Connect(factory.get());
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(Value(*connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "t");
  EXPECT_EQ(connection->Peek(), SocketState::kQuiet);

  auto victim = Connect(factory.get());
  server.Execute("SELECT pg_terminate_backend(" + std::to_string(BackendPid(*victim)) + ")");
  EXPECT_TRUE(testing::Eventually([&] { return victim->Peek() == SocketState::kDead; }));
  ExpectFault(victim->Ping(In(seconds(1))), SqlFault::kLost, "57P01");

  const testing::FrozenProcess frozen = server.Freeze(BackendPid(*connection));
  const MonotonicTime begin = clock_.Monotonic();
  ExpectFault(connection->Ping(begin + milliseconds(300)), SqlFault::kDeadline);
  connection.reset();
  EXPECT_LE(clock_.Monotonic() - begin, milliseconds(400));
}

// --- Dialling ------------------------------------------------------------------------------------

TEST_F(PqxxConnectionFactoryTest, ADialSendsNothingAndOpensNoSession) {
  std::promise<std::string> received;
  const LoopbackListener listener(
      [&](int socket) { received.set_value(testing::ReadStartup(socket)); });
  const auto factory = MakeFactory(listener.url());
  EXPECT_THAT(factory->Dial(In(seconds(10))), testing::IsOk());
  EXPECT_EQ(received.get_future().get(), "");
}

TEST_F(PqxxConnectionFactoryTest, ADialReachesARealServerAndLeavesNoSession) {
  const auto factory = MakeFactory(postgres().url());
  const auto connection = Connect(factory.get());
  constexpr char kSessions[] =
      "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
  const std::string before = Value(*connection, kSessions);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(factory->Dial(In(seconds(10))), testing::IsOk());
  EXPECT_EQ(Value(*connection, kSessions), before);
}

TEST_F(PqxxConnectionFactoryTest, ADialFailsWhereNobodyListens) {
  const auto factory =
      MakeFactory("postgresql://u:p@127.0.0.1:" + std::to_string(kRefusedPort) + "/d");
  const absl::Status status = factory->Dial(In(seconds(10)));
  ASSERT_TRUE(GetSqlError(status).has_value());
  EXPECT_EQ(GetSqlError(status)->fault, SqlFault::kLost);
}

}  // namespace
}  // namespace auth::pool
