#include "server/ops/ops_http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace auth::ops {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using testing::Ask;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawConnection;
using ::testing::StartsWith;

class OpsHttpServerTest : public ::testing::Test {
 protected:
  // `/slow` blocks until Release.
  void Start(const HttpServer::Options& options = {}) {
    auto server = OpsHttpServer::Start(
        options,
        {{.path = "/readyz", .handler = [] { return HttpResponse{.body = "{}\n"}; }},
         {.path = "/metrics",
          .handler =
              [] {
                return HttpResponse{.body = std::string(100'000, 'm'),
                                    .content_type = "text/plain; version=0.0.4"};
              }},
         {.path = "/slow",
          .handler =
              [this] {
                MutexLock lock(&mutex_);
                ++slow_runs_;
                while (!released_) changed_.Wait(&mutex_);
                return HttpResponse{.body = "slow\n"};
              },
          .may_block = true}},
        &clock_);
    ASSERT_THAT(server, testing::IsOk());
    server_ = *std::move(server);
  }
  void TearDown() override {
    Release();
    server_.reset();
  }
  void Release() {
    MutexLock lock(&mutex_);
    released_ = true;
    changed_.NotifyAll();
  }
  int slow_runs() {
    MutexLock lock(&mutex_);
    return slow_runs_;
  }

  std::string Get(std::string_view path) { return Ask(server_->port(), "GET", path); }

  // The server answers as ever.
  void ExpectServes() { EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200 ")); }

  RealClock clock_;
  Mutex mutex_;
  CondVar changed_;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  int slow_runs_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<OpsHttpServer> server_;
};

TEST_F(OpsHttpServerTest, AnswersItsPaths) {
  Start();
  EXPECT_THAT(
      Get("/readyz"),
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: application/json\r\n"),
            HasSubstr("Cache-Control: no-store\r\n"), HasSubstr("\r\n\r\n{}\n")));
  EXPECT_THAT(Get("/readyz?verbose=1"), StartsWith("HTTP/1.1 200 "));
  const std::string metrics = Get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\n" + std::string(100'000, 'm')));
}

TEST_F(OpsHttpServerTest, UnknownPathsListTheKnownOnes) {
  Start();
  for (const char* path : {"/", "/readyz/", "/READYZ", "/../readyz", "/%00", "//readyz"}) {
    const std::string response = Get(path);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 404 ")) << path;
    const auto body = nlohmann::json::parse(response.substr(response.find("\r\n\r\n")));
    EXPECT_EQ(body["paths"], (std::vector<std::string>{"/metrics", "/readyz", "/slow"}));
  }
}

TEST_F(OpsHttpServerTest, HeadAnswersWithoutABody) {
  Start();
  const std::string response = Ask(server_->port(), "HEAD", "/readyz");
  EXPECT_THAT(response, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 3\r\n")));
  EXPECT_EQ(response.find("\r\n\r\n"), response.size() - 4);
}

TEST_F(OpsHttpServerTest, OtherMethodsAreNotAllowed) {
  Start();
  for (const char* method :
       {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get"}) {
    EXPECT_THAT(Ask(server_->port(), method, "/readyz"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")))
        << method;
  }
  RawConnection post(server_->port());
  post.Send("POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nfirst bytes");
  EXPECT_THAT(post.ReadAll(), StartsWith("HTTP/1.1 405 ")) << "before the body has come";
  ExpectServes();
}

TEST_F(OpsHttpServerTest, KeepsAConnectionForTheNextScrape) {
  Start();
  RawConnection connection(server_->port());
  for (int i = 0; i < 3; ++i) {
    connection.Send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(connection.ReadUntil("{}\n"), StartsWith("HTTP/1.1 200 "));
    EXPECT_FALSE(connection.closed());
  }
}

TEST_F(OpsHttpServerTest, MalformedRequestsAreRefusedAndTheServerServesOn) {
  Start({.idle_timeout = seconds(1)});
  const std::string long_text(65'536, 'x');
  const std::string requests[] = {
      "\r\n\r\n\r\n\r\n",
      "GET\r\n\r\n",
      "GET /readyz\r\n\r\n",
      "GET /readyz HTTP/9.9\r\n\r\n",
      "GET " + long_text + " HTTP/1.1\r\n\r\n",
      "GET /readyz HTTP/1.1\r\nHost: x\r\nX: " + long_text + "\r\n\r\n",
      "GET /readyz HTTP/1.1\r\n\r\n",  // no Host
      "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
      "GET /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),  // TLS
      std::string(1000, '\0'),
  };
  for (const std::string& request : requests) {
    RawConnection connection(server_->port());
    connection.Send(request);
    EXPECT_THAT(connection.ReadAll(), Not(HasSubstr("HTTP/1.1 200 "))) << request.substr(0, 80);
    EXPECT_TRUE(connection.closed()) << request.substr(0, 80);
  }
  ExpectServes();
}

TEST_F(OpsHttpServerTest, RandomBytesDoNotHurt) {
  Start({.idle_timeout = seconds(1)});
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  for (int round = 0; round < 300; ++round) {
    std::string request = good;
    for (std::size_t flips = random() % 6 + 1; flips > 0; --flips) {
      request[random() % request.size()] = static_cast<char>(random());
    }
    RawConnection(server_->port()).Send(request);
  }
  ExpectServes();
}

// The reason for one event thread: with a thread for each connection eight of these stop a server.
TEST_F(OpsHttpServerTest, AnswersBesideFiveHundredSilentConnections) {
  Start();
  std::vector<RawConnection> silent;
  for (int i = 0; i < 500; ++i) {
    silent.emplace_back(server_->port());
    ASSERT_TRUE(silent.back().connected());
    if (i % 2 == 0) silent.back().Send("GET /ready");
  }
  for (int i = 0; i < 20; ++i) {
    const auto begin = steady_clock::now();
    ExpectServes();
    EXPECT_LT(steady_clock::now() - begin, seconds(3)) << "before the silent ones time out";
  }
}

TEST_F(OpsHttpServerTest, SilentConnectionsAreClosedAfterTheIdleTimeout) {
  Start({.max_connections = 16, .max_connections_per_address = 16, .idle_timeout = seconds(1)});
  std::vector<RawConnection> silent;
  silent.reserve(64);
  for (int i = 0; i < 64; ++i) silent.emplace_back(server_->port());
  EXPECT_TRUE(testing::Eventually([this] { return Get("/readyz").rfind("HTTP/1.1 200 ", 0) == 0; }))
      << "however many there were";
  silent.front().ReadAll();
  EXPECT_TRUE(silent.front().closed());
}

TEST_F(OpsHttpServerTest, OneAddressCannotTakeAllConnections) {
  Start({.max_connections = 100, .max_connections_per_address = 10});
  std::vector<RawConnection> silent;
  silent.reserve(10);
  for (int i = 0; i < 10; ++i) silent.emplace_back(server_->port());
  RawConnection refused(server_->port());
  EXPECT_EQ(refused.ReadAll(), "");
  EXPECT_TRUE(refused.closed());
}

TEST_F(OpsHttpServerTest, ABlockedHandlerStallsOnlyItsOwnPath) {
  Start();
  std::vector<RawConnection> waiting;
  for (int i = 0; i < 50; ++i) {
    waiting.emplace_back(server_->port());
    waiting.back().Send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  ASSERT_TRUE(testing::Eventually([this] { return slow_runs() == 1; }));
  for (int i = 0; i < 10; ++i) ExpectServes();
  Release();
  for (RawConnection& connection : waiting) {
    EXPECT_THAT(connection.ReadAll(), HasSubstr("\r\n\r\nslow\n"));
  }
  EXPECT_LE(slow_runs(), 10) << "those who waited shared an answer";
}

TEST_F(OpsHttpServerTest, CallersThatLeaveWhileTheyWaitDoNoHarm) {
  Start();
  for (int i = 0; i < 50; ++i) {
    RawConnection(server_->port()).Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  ASSERT_TRUE(testing::Eventually([this] { return slow_runs() >= 1; }));
  ExpectServes();
  Release();
  EXPECT_THAT(Get("/slow"), HasSubstr("slow\n"));
}

TEST_F(OpsHttpServerTest, StopsWhileRequestsWait) {
  Start();
  std::vector<RawConnection> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(server_->port());
    waiting.back().Send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  ASSERT_TRUE(testing::Eventually([this] { return slow_runs() == 1; }));
  std::thread stopper([this] { server_.reset(); });
  Release();
  stopper.join();
  for (RawConnection& connection : waiting) {
    connection.ReadAll();
    EXPECT_TRUE(connection.closed());
  }
}

TEST_F(OpsHttpServerTest, ManyClientsAtOnce) {
  Start();
  std::atomic<int> ok{0};
  std::vector<std::thread> clients;
  clients.reserve(8);
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ok += Get("/readyz").rfind("HTTP/1.1 200 ", 0) == 0 ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(ok, 400);
}

const RealClock kClock;

TEST(OpsHttpServerStartTest, ATakenPortIsNamed) {
  auto first = OpsHttpServer::Start({}, {}, &kClock);
  ASSERT_THAT(first, testing::IsOk());
  const auto second = OpsHttpServer::Start({.port = (*first)->port()}, {}, &kClock);
  EXPECT_THAT(second, testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("127.0.0.1:" + std::to_string((*first)->port())));
}

TEST(OpsHttpServerStartTest, AnAddressThatIsNotOursIsNamed) {
  EXPECT_THAT(OpsHttpServer::Start({.host = "192.0.2.1"}, {}, &kClock),
              testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(OpsHttpServer::Start({.host = "no such host"}, {}, &kClock),
              testing::StatusIs(absl::StatusCode::kUnavailable));
}

TEST(OpsHttpServerStartTest, AFreedPortIsFreeAtOnce) {
  auto first =
      OpsHttpServer::Start({}, {{.path = "/", .handler = [] { return HttpResponse{}; }}}, &kClock);
  ASSERT_THAT(first, testing::IsOk());
  const std::uint16_t port = (*first)->port();
  Ask(port, "GET", "/");
  first->reset();
  EXPECT_THAT(OpsHttpServer::Start({.port = port}, {}, &kClock), testing::IsOk());
}

}  // namespace
}  // namespace auth::ops
