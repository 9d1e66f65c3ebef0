#include "server/ops/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace auth::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using testing::Ask;
using ::testing::HasSubstr;
using testing::RawConnection;
using ::testing::StartsWith;

std::string Post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// Echoes bodies; keeps the answers to /later until Release.
class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    options.methods = {"GET", "POST"};
    if (options.max_body_bytes == 0) options.max_body_bytes = 1000;
    auto server = HttpServer::Start(
        options,
        [this](HttpRequest request, HttpServer::Answer answer) {
          MutexLock lock(&mutex_);
          last_ = request;
          if (request.path == "/later") {
            kept_.push_back(std::move(answer));
          } else {
            answer({.body = request.body + "\n", .headers = {{"X-Seen", request.path}}});
          }
        },
        &clock_);
    ASSERT_THAT(server, testing::IsOk());
    server_ = *std::move(server);
  }
  void TearDown() override {
    Release();
    server_.reset();
  }

  size_t kept() {
    MutexLock lock(&mutex_);
    return kept_.size();
  }
  void Release() {
    std::vector<HttpServer::Answer> kept;
    {
      MutexLock lock(&mutex_);
      kept.swap(kept_);
    }
    for (const HttpServer::Answer& answer : kept) answer({.body = "later\n"});
  }
  HttpRequest last() {
    MutexLock lock(&mutex_);
    return last_;
  }
  void ExpectServes() {
    EXPECT_THAT(Ask(server_->port(), "GET", "/"), StartsWith("HTTP/1.1 200 "));
  }

  RealClock clock_;
  Mutex mutex_;
  std::vector<HttpServer::Answer> kept_ ABSL_GUARDED_BY(mutex_);
  HttpRequest last_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, HandsOverTheWholeRequest) {
  Start();
  RawConnection client(server_->port());
  client.Send("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-Thing: one\r\nContent-Length: 5\r\n\r\nhel");
  client.Send("lo");
  EXPECT_THAT(client.ReadUntil("hello\n"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("X-Seen: /a/b\r\n")));
  const HttpRequest request = last();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.body, "hello");
  EXPECT_EQ(request.Header("x-thing"), "one");
  EXPECT_EQ(request.Header("x-other"), "");
  EXPECT_THAT(request.peer, StartsWith("ipv4:127.0.0.1:"));
}

TEST_F(HttpServerTest, OneConnectionServesManyBodies) {
  Start();
  RawConnection client(server_->port());
  for (int i = 0; i < 20; ++i) {
    const std::string body = "body-" + std::to_string(i);
    client.Send(Post("/", body));
    EXPECT_THAT(client.ReadUntil(body + "\n"), StartsWith("HTTP/1.1 200 "));
  }
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("abcde\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, BodiesThatAreTooLargeAreRefused) {
  Start();
  RawConnection announced(server_->port());
  announced.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_THAT(announced.ReadUntil("}"), StartsWith("HTTP/1.1 413 ")) << "before it is sent";

  RawConnection chunked(server_->port());
  chunked.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) chunked.Send("c8\r\n" + std::string(200, 'x') + "\r\n");
  chunked.Send("0\r\n\r\n");
  EXPECT_THAT(chunked.ReadUntil("}"), StartsWith("HTTP/1.1 413 "));

  RawConnection exact(server_->port());
  exact.Send(Post("/", std::string(1000, 'x')));
  EXPECT_THAT(exact.ReadUntil("x\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AnEndlessBodyIsCutOff) {
  Start();
  RawConnection client(server_->port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3000; ++i) client.Send("400\r\n" + std::string(1024, 'x') + "\r\n");
  client.ReadAll();
  EXPECT_TRUE(client.closed());
  ExpectServes();
}

TEST_F(HttpServerTest, AnswersMayComeLaterFromAnyThread) {
  Start();
  std::vector<RawConnection> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(server_->port());
    clients.back().Send(Post("/later", "x"));
  }
  ASSERT_TRUE(testing::Eventually([this] { return kept() == 50; }));
  ExpectServes();
  std::thread([this] { Release(); }).join();
  for (RawConnection& client : clients) {
    EXPECT_THAT(client.ReadUntil("later\n"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(HttpServerTest, AnswersToClientsWhoHaveGoneDoNoHarm) {
  Start();
  for (int i = 0; i < 50; ++i) RawConnection(server_->port()).Send(Post("/later", "x"));
  ASSERT_TRUE(testing::Eventually([this] { return kept() == 50; }));
  Release();
  ExpectServes();
}

TEST_F(HttpServerTest, StopsWhenTheLastAnswerIsThere) {
  Start();
  RawConnection client(server_->port());
  client.Send(Post("/later", "x"));
  ASSERT_TRUE(testing::Eventually([this] { return kept() == 1; }));
  std::thread stopper([this] { server_.reset(); });
  Release();
  stopper.join();
  client.ReadAll();
  EXPECT_TRUE(client.closed());
}

// --- Slow clients --------------------------------------------------------------------------------

// Sends one byte after the other, as fast as nobody times out on silence, until it is cut.
Duration Trickle(RawConnection* client, std::string_view bytes) {
  const auto begin = steady_clock::now();
  Mutex mutex;
  CondVar never;
  const RealClock clock;
  for (size_t i = 0; steady_clock::now() - begin < seconds(30); ++i) {
    client->Send(bytes.substr(std::min(i, bytes.size() - 1), 1));
    MutexLock lock(&mutex);
    const auto next = steady_clock::now() + milliseconds(100);
    while (steady_clock::now() < next) clock.WaitUntil(next, &never, &mutex);
    if (client->HungUp()) break;
  }
  return steady_clock::now() - begin;
}

TEST_F(HttpServerTest, ATrickleOfHeadersIsCut) {
  Start({.idle_timeout = seconds(20), .exchange_timeout = seconds(1)});
  RawConnection client(server_->port());
  EXPECT_LT(Trickle(&client, "GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), seconds(15));
  ExpectServes();
}

TEST_F(HttpServerTest, ATrickleOfABodyIsCut) {
  Start({.idle_timeout = seconds(20), .exchange_timeout = seconds(1)});
  RawConnection client(server_->port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  EXPECT_LT(Trickle(&client, "a"), seconds(15));
  ExpectServes();
}

TEST_F(HttpServerTest, WaitingForTheHandlerIsNotTheClientsFault) {
  Start({.idle_timeout = seconds(1), .exchange_timeout = seconds(1)});
  RawConnection client(server_->port());
  client.Send(Post("/later", "x"));
  ASSERT_TRUE(testing::Eventually([this] { return kept() == 1; }));
  RawConnection silent(server_->port());
  silent.ReadAll();  // until it is cut: the other has waited as long
  EXPECT_TRUE(silent.closed());
  Release();
  EXPECT_THAT(client.ReadUntil("later\n"), StartsWith("HTTP/1.1 200 "));
}

// As a proxy does between two requests, which may be far apart.
TEST_F(HttpServerTest, AKeptConnectionMayBeSilentForLonger) {
  Start({.idle_timeout = seconds(1),
         .keep_alive_timeout = seconds(60),
         .exchange_timeout = seconds(1)});
  RawConnection client(server_->port());
  client.Send(Post("/", "one"));
  EXPECT_THAT(client.ReadUntil("one\n"), StartsWith("HTTP/1.1 200 "));
  for (int i = 0; i < 2; ++i) {
    RawConnection silent(server_->port());
    silent.ReadAll();  // until it is cut: the other has been silent for longer
    EXPECT_TRUE(silent.closed());
  }
  client.Send(Post("/", "two"));
  EXPECT_THAT(client.ReadUntil("two\n"), StartsWith("HTTP/1.1 200 "));
  // With a request under way it is as short of time as any other.
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  client.ReadAll();
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, AKeptConnectionIsClosedInTheEnd) {
  Start({.idle_timeout = seconds(60),
         .keep_alive_timeout = seconds(1),
         .exchange_timeout = seconds(60)});
  RawConnection client(server_->port());
  client.Send(Post("/", "one"));
  EXPECT_THAT(client.ReadUntil("one\n"), StartsWith("HTTP/1.1 200 "));
  client.ReadAll();
  EXPECT_TRUE(client.closed());
}

// --- Malformed requests --------------------------------------------------------------------------

// Nobody may hold a place that he has left, until a time limit frees it.
TEST_F(HttpServerTest, WhoLeavesAmidARequestIsNoticedAtOnce) {
  Start({.idle_timeout = seconds(60), .exchange_timeout = seconds(60)});
  const std::string whole = Post("/", "hello");
  for (size_t size = 1; size < whole.size(); ++size) {
    RawConnection client(server_->port());
    client.SendLast(whole.substr(0, size));
    client.ReadAll();
    ASSERT_TRUE(client.closed()) << "after " << size << " bytes";
  }
  ExpectServes();
}

TEST_F(HttpServerTest, TenThousandMalformedRequestsDoNoHarm) {
  Start({.idle_timeout = seconds(60), .exchange_timeout = seconds(60)});
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = Post("/auth/signup", "{\"email\":\"a@example.com\"}");
  for (int round = 0; round < 10'000; ++round) {
    std::string request = good;
    for (size_t flips = random() % 8 + 1; flips > 0; --flips) {
      request[random() % request.size()] = static_cast<char>(random());
    }
    request.resize(random() % request.size() + 1);
    RawConnection(server_->port()).Send(request);
  }
  ExpectServes();
}

}  // namespace
}  // namespace auth::ops
