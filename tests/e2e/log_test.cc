// The log of the real server: every line is an event, whoever causes it, and none tells a secret.

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/support/eventually.h"
#include "tests/support/server/auth_server_process.h"
#include "tests/support/server/calls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {
namespace {

using namespace std::string_literals;

constexpr int kLinesPerSecond = 20;  // of one event

class LogTest : public PostgresTest {};

int PortOf(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  return port;
}

// Says `bytes` to the port and waits until the other side has hung up.
void Say(int port, std::string_view bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  char buffer[4096];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
  }
  ::close(fd);
}

// What a port scanner says: nothing, HTTP, SSH, an empty and a broken TLS hello, bare HTTP/2.
const std::vector<std::string>& ScannersWords() {
  static const auto* const words = new std::vector<std::string>{
      "",
      "GET / HTTP/1.0\r\n\r\n",
      "SSH-2.0-scanner\r\n",
      "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"s,
      "\x16\x03\x03\x00\x20\x01\x00\x00\x1c\x03\x03{\"event\":\"forged\"}\n"s,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      std::string(5000, '\0'),
  };
  return *words;
}

TEST_F(LogTest, APortScanLeavesNothingButEventsAndNotMany) {
  const TemporaryDirectory directory;
  const TestCertificate identity =
      MakeSelfSignedCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  auto server = AuthServerProcess::Start(
      {"--database-url=" + postgres().CreateDatabase(), "--log-format=json",
       "--tls-cert=" + directory.Write("cert.pem", identity.certificate),
       "--tls-key=" + directory.Write("key.pem", identity.key)});
  ASSERT_THAT(server, IsOk());
  const int grpc_port = PortOf(server->grpc_address());
  const auto begun = std::chrono::steady_clock::now();
  for (int round = 0; round < 50; ++round) {
    for (const std::string& words : ScannersWords()) Say(grpc_port, words);
  }
  const auto scanned = std::chrono::steady_clock::now() - begun;
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForExit(), 0);

  int of_grpc = 0;
  std::istringstream log(server->log());
  for (std::string line; std::getline(log, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(event.is_object() && event.contains("event")) << line;
    EXPECT_NE(event["event"], "forged");
    if (event["event"] == "grpc") ++of_grpc;
  }
  EXPECT_GE(of_grpc, 1) << "the scan is not hidden:\n" << server->log();
  EXPECT_LE(of_grpc, kLinesPerSecond * (scanned / std::chrono::seconds(1) + 2));
}

// Calls of every kind, whose every secret contains a word that must appear nowhere.
class CanaryCalls {
 public:
  static constexpr char kWord[] = "canary";

  explicit CanaryCalls(const std::string& address) : stub_(NewPlainStub(address)) {}

  // Eight calls about a user of his own; four of them fail.
  void MakeRound(int round) {
    const std::string email = absl::StrCat("canary-", round, "@example.com");
    const v1::Session session = Register(email).session();
    Register(email);
    Register(absl::StrCat("canary-", round, "@@example.com"));
    SignIn(email, kPassword);
    SignIn(email, absl::StrCat("wrong canary ", round));
    Validate(session.session_token());
    Validate(absl::StrCat("canary-token-", round));
    SignOut(session.session_token());
  }
  v1::RegisterResponse Register(const std::string& email) {
    v1::RegisterRequest request;
    request.set_email(email);
    request.set_password(kPassword);
    return Call(&v1::AuthService::Stub::Register, request, v1::RegisterResponse());
  }

  int calls() const { return calls_; }
  int failed() const { return failed_; }
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  static constexpr char kPassword[] = "canary horse battery staple";

  void SignIn(const std::string& email, const std::string& password) {
    v1::SignInRequest request;
    request.set_email(email);
    request.set_password(password);
    Call(&v1::AuthService::Stub::SignIn, request, v1::SignInResponse());
  }
  void Validate(const std::string& token) {
    v1::ValidateSessionRequest request;
    request.set_session_token(token);
    Call(&v1::AuthService::Stub::ValidateSession, request, v1::ValidateSessionResponse());
  }
  void SignOut(const std::string& token) {
    v1::SignOutRequest request;
    request.set_session_token(token);
    Call(&v1::AuthService::Stub::SignOut, request, v1::SignOutResponse());
  }

  template <typename Method, typename Request, typename Response>
  Response Call(Method method, const Request& request, Response response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    ++calls_;
    if (!((*stub_).*method)(&context, request, &response).ok()) ++failed_;
    if constexpr (requires { response.session().session_token(); }) {
      const std::string& token = response.session().session_token();
      if (!token.empty()) tokens_.push_back(token);
    }
    return response;
  }

  const std::unique_ptr<v1::AuthService::Stub> stub_;
  int calls_ = 0;
  int failed_ = 0;
  std::vector<std::string> tokens_;
};

int CountOf(const std::string& word, const std::string& text) {
  int count = 0;
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++count;
  return count;
}

TEST_F(LogTest, EveryLineOfACallCarriesItsIds) {
  const std::string url = postgres().CreateDatabase();
  const auto server = AuthServerProcess::Start({"--database-url=" + url, "--log-format=json"});
  ASSERT_THAT(server, IsOk());
  SqlConnection(url).Execute("ALTER TABLE users ADD CONSTRAINT refused CHECK (false) NOT VALID");
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "order-42");
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  v1::RegisterRequest request;
  request.set_email("ann@example.com");
  request.set_password("canary horse battery staple");
  v1::RegisterResponse response;
  EXPECT_FALSE(NewPlainStub(server->grpc_address())->Register(&context, request, &response).ok());

  std::vector<nlohmann::json> lines;
  ASSERT_TRUE(Eventually([&] {
    lines.clear();
    std::istringstream log(server->log());
    for (std::string line; std::getline(log, line);) {
      auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (event.is_object() && event.value("request_id", "") == "order-42") lines.push_back(event);
    }
    return lines.size() == 2;
  })) << server->log();
  EXPECT_EQ(lines[0]["event"], "store_failure");
  EXPECT_EQ(lines[1]["event"], "call");
  EXPECT_EQ(lines[1]["db_attempts"], 1);
  for (const auto& line : lines) {
    EXPECT_EQ(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736") << line;
  }
}

TEST_F(LogTest, NothingSecretIsLogged) {
  const std::string url = postgres().CreateDatabase();
  const auto server =
      AuthServerProcess::Start({"--database-url=" + url, "--log-level=debug", "--log-format=json",
                                "--allow-weak-hashing", "--argon2-memory-kib=1024"});
  ASSERT_THAT(server, IsOk());
  CanaryCalls calls(server->grpc_address());
  constexpr int kRounds = 13;
  for (int round = 0; round < kRounds; ++round) calls.MakeRound(round);
  EXPECT_EQ(calls.failed(), 4 * kRounds);
  EXPECT_EQ(calls.tokens().size(), size_t{2 * kRounds});
  // PostgreSQL tells of a row that it refuses what is in it.
  SqlConnection(url).Execute("ALTER TABLE users ADD CONSTRAINT refused CHECK (false) NOT VALID");
  calls.Register("canary-refused@example.com");
  EXPECT_EQ(calls.failed(), 4 * kRounds + 1);

  ASSERT_TRUE(Eventually([&] {
    return CountOf("\"event\":\"call\"", server->log()) == calls.calls();
  })) << server->log();
  const std::string seen = server->log() + server->HttpGet("/metrics");
  EXPECT_NE(seen.find("\"event\":\"store_failure\""), std::string::npos) << seen;
  EXPECT_EQ(seen.find(CanaryCalls::kWord), std::string::npos)
      << seen.substr(seen.rfind('\n', seen.find(CanaryCalls::kWord)) + 1, 1000);
  for (const std::string& token : calls.tokens()) {
    EXPECT_EQ(seen.find(token), std::string::npos) << token;
  }
}

}  // namespace
}  // namespace auth::testing
