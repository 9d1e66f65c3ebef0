#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/dev/loopback_port.h"
#include "tests/support/eventually.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPatienceMs = 10'000;
// Long enough for bytes to pass that must not.
constexpr int kSilenceMs = 100;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One end of a connection.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }

  static Socket ConnectTo(int port) {
    Socket connected(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(port);
    if (connect(connected.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(std::exchange(connected.fd_, -1));
    }
    return connected;
  }

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void Send(const std::string& bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool Silent() const {
    pollfd poller{fd_, POLLIN | POLLRDHUP, 0};
    return poll(&poller, 1, kSilenceMs) == 0;
  }
  // That many bytes, or what came before the end.
  std::string Read(size_t count) {
    std::string read;
    while (read.size() < count) {
      pollfd poller{fd_, POLLIN, 0};
      if (poll(&poller, 1, kPatienceMs) == 0) return read + "(nothing more comes)";
      char buffer[4096];
      const ssize_t got = recv(fd_, buffer, std::min(sizeof buffer, count - read.size()), 0);
      if (got <= 0) {
        end_ = got == 0 ? 0 : errno;
        break;
      }
      read.append(buffer, static_cast<size_t>(got));
    }
    return read;
  }
  // 0: by FIN; else the errno.
  int ReadEnd() {
    EXPECT_EQ(Read(1), "");
    return end_;
  }

 private:
  int fd_;
  int end_ = -1;
};

class TcpGateTest : public ::testing::Test {
 protected:
  struct Connection {
    Socket client;
    Socket server;
  };

  static Socket Listen() {
    Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(0);
    bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    listen(listener.fd(), 16);
    return listener;
  }
  static int PortOf(const Socket& listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  Socket AcceptServer() { return Socket(accept(listener_.fd(), nullptr, nullptr)); }
  // An open connection through the gate.
  Connection Connect() {
    Socket client = Socket::ConnectTo(gate_.port());
    return {std::move(client), AcceptServer()};
  }

  Socket listener_ = Listen();
  TcpGate gate_{PortOf(listener_)};
};

TEST_F(TcpGateTest, PassesBothWays) {
  Connection connection = Connect();
  connection.client.Send("question");
  EXPECT_EQ(connection.server.Read(8), "question");
  connection.server.Send("answer");
  EXPECT_EQ(connection.client.Read(6), "answer");
  EXPECT_EQ(gate_.open(), 1);
  EXPECT_EQ(gate_.accepted().size(), 1u);
  EXPECT_EQ(gate_.client_ports(), std::vector<int>{PortOf(connection.client)});
}

TEST_F(TcpGateTest, PassesMoreThanItHolds) {
  Connection connection = Connect();
  const std::string much(4 << 20, 'x');
  std::thread sender([&] { connection.client.Send(much); });
  EXPECT_EQ(connection.server.Read(much.size()), much);
  sender.join();
}

TEST_F(TcpGateTest, PassesTheEndOfOneSideOn) {
  Connection connection = Connect();
  shutdown(connection.client.fd(), SHUT_WR);
  EXPECT_EQ(connection.server.ReadEnd(), 0);
  connection.server.Send("late");
  EXPECT_EQ(connection.client.Read(4), "late") << "the other direction is open";
  shutdown(connection.server.fd(), SHUT_WR);
  EXPECT_EQ(connection.client.ReadEnd(), 0);
  EXPECT_TRUE(Eventually([&] { return gate_.open() == 0; }));
}

TEST_F(TcpGateTest, HoldKeepsEverythingUntilResume) {
  Connection before = Connect();
  gate_.Hold();
  before.client.Send("held");
  Socket during = Socket::ConnectTo(gate_.port());
  during.Send("too");
  EXPECT_TRUE(before.server.Silent());
  EXPECT_TRUE(during.Silent());
  EXPECT_TRUE(Eventually([&] { return gate_.accepted().size() == 2; }));
  gate_.Resume();
  EXPECT_EQ(before.server.Read(4), "held");
  EXPECT_EQ(AcceptServer().Read(3), "too");
}

TEST_F(TcpGateTest, HoldOpenLetsNewConnectionsPass) {
  Connection before = Connect();
  gate_.HoldOpen();
  before.client.Send("held");
  Connection after = Connect();
  after.client.Send("new");
  EXPECT_EQ(after.server.Read(3), "new");
  EXPECT_TRUE(before.server.Silent());
  gate_.Resume();
  EXPECT_EQ(before.server.Read(4), "held");
}

TEST_F(TcpGateTest, RefusesAndAcceptsAgainOnTheSamePort) {
  gate_.Refuse();
  EXPECT_FALSE(Socket::ConnectTo(gate_.port()).connected());
  gate_.Accept();
  Connection connection = Connect();
  connection.client.Send("x");
  EXPECT_EQ(connection.server.Read(1), "x");
}

TEST_F(TcpGateTest, KeepsOpenConnectionsAndThePortWhileItRefuses) {
  Connection before = Connect();
  gate_.Refuse();
  before.client.Send("x");
  EXPECT_EQ(before.server.Read(1), "x");
  EXPECT_FALSE(dev::LoopbackPortIsFree(gate_.port()));
  gate_.Accept();
  Connection after = Connect();
  after.client.Send("y");
  EXPECT_EQ(after.server.Read(1), "y");
}

TEST_F(TcpGateTest, DelaysNewConnections) {
  gate_.DelayNewConnections(milliseconds(300));
  const auto start = steady_clock::now();
  Connection connection = Connect();
  connection.client.Send("x");
  EXPECT_EQ(connection.server.Read(1), "x");
  EXPECT_GE(steady_clock::now() - start, milliseconds(300));
}

TEST_F(TcpGateTest, ForgetsAClientThatDoesNotWaitForTheDelay) {
  gate_.DelayNewConnections(std::chrono::hours(1));
  {
    const Socket impatient = Socket::ConnectTo(gate_.port());
    EXPECT_TRUE(Eventually([&] { return gate_.open() == 1; }));
  }
  EXPECT_TRUE(Eventually([&] { return gate_.open() == 0; }));
}

TEST_F(TcpGateTest, ClosesByFin) {
  Connection connection = Connect();
  EXPECT_EQ(gate_.Close(), 1);
  EXPECT_EQ(connection.client.ReadEnd(), 0);
  EXPECT_EQ(connection.server.ReadEnd(), 0);
}

TEST_F(TcpGateTest, ResetsByRst) {
  Connection connection = Connect();
  EXPECT_EQ(gate_.Reset(), 1);
  EXPECT_EQ(connection.client.ReadEnd(), ECONNRESET);
  EXPECT_EQ(connection.server.ReadEnd(), ECONNRESET);
}

TEST_F(TcpGateTest, ChangesTheTarget) {
  const Socket other = Listen();
  gate_.SetTarget(PortOf(other));
  Socket client = Socket::ConnectTo(gate_.port());
  client.Send("x");
  EXPECT_EQ(Socket(accept(other.fd(), nullptr, nullptr)).Read(1), "x");
}

TEST_F(TcpGateTest, ResetsWhatATargetRefuses) {
  gate_.SetTarget(PortOf(Listen()));
  Socket client = Socket::ConnectTo(gate_.port());
  EXPECT_EQ(client.ReadEnd(), ECONNRESET);
  EXPECT_EQ(gate_.accepted().size(), 1u);
}

TEST_F(TcpGateTest, WeatherSlowsDown) {
  Connection connection = Connect();
  gate_.SetWeather({.latency = milliseconds(200), .bytes_per_second = 1000, .slice = 1});
  const auto start = steady_clock::now();
  connection.client.Send(std::string(100, 'x'));
  EXPECT_EQ(connection.server.Read(100), std::string(100, 'x'));
  EXPECT_GE(steady_clock::now() - start, milliseconds(200 + 99));
  gate_.SetWeather({});
  connection.server.Send("y");
  EXPECT_EQ(connection.client.Read(1), "y");
}

TEST_F(TcpGateTest, ReplacesTheAddressOfAUrl) {
  const std::string address = "127.0.0.1:" + std::to_string(gate_.port());
  EXPECT_EQ(gate_.Through("postgresql://ann:p%40ss@localhost:5432/db?sslmode=disable"),
            "postgresql://ann:p%40ss@" + address + "/db?sslmode=disable");
}

}  // namespace
}  // namespace auth::testing
