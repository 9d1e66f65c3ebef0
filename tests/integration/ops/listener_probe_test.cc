// The probe against real gRPC listeners, and against sockets that fail in the ways one can fail.

#include "server/ops/listener_probe.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "server/ops/listen_socket.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificate.h"

namespace auth::ops {
namespace {

using auth::testing::IsOk;
using auth::testing::MakeSelfSignedCertificate;
using auth::testing::RawConnection;
using auth::testing::StatusIs;
using auth::testing::TestCertificate;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;

class ListenerProbeTest : public ::testing::Test {
 protected:
  absl::Status Check(int port, bool tls = false, Duration timeout = seconds(5)) {
    return ListenerProbe({.port = static_cast<std::uint16_t>(port), .tls = tls, .timeout = timeout},
                         &clock_)
        .Check();
  }

  RealClock clock_;
};

// A certificate for localhost, signed by itself.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(bool demand_client_certificate) {
  const TestCertificate own = MakeSelfSignedCertificate("localhost", "DNS:localhost");
  grpc::SslServerCredentialsOptions options(
      demand_client_certificate ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_key_cert_pairs.push_back({own.key, own.certificate});
  options.pem_root_certs = own.certificate;
  return grpc::SslServerCredentials(options);
}

// A gRPC server on a port of 127.0.0.1, of the kind that auth_server is (callback API).
class GrpcServer {
 public:
  explicit GrpcServer(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~GrpcServer() { Shutdown(); }
  void Shutdown() { server_->Shutdown(std::chrono::system_clock::now()); }
  int port() const { return port_; }

 private:
  int port_ = 0;
  grpc::CallbackGenericService service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ListenerProbeTest, APlaintextListenerIsAlive) {
  GrpcServer server(grpc::InsecureServerCredentials());
  for (int i = 0; i < 50; ++i) EXPECT_THAT(Check(server.port()), IsOk());
  server.Shutdown();
  EXPECT_THAT(Check(server.port()), StatusIs(kUnavailable));
}

TEST_F(ListenerProbeTest, ATlsListenerIsAliveWhateverItDemands) {
  for (const bool demand_client_certificate : {false, true}) {
    GrpcServer server(TlsCredentials(demand_client_certificate));
    for (int i = 0; i < 20; ++i) EXPECT_THAT(Check(server.port(), /*tls=*/true), IsOk());
  }
}

TEST_F(ListenerProbeTest, OneProbeServesForManyChecksAtOnce) {
  GrpcServer server(TlsCredentials(false));
  const ListenerProbe probe(
      {.port = static_cast<std::uint16_t>(server.port()), .tls = true, .timeout = seconds(5)},
      &clock_);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_THAT(probe.Check(), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// What is left of a gRPC listener after it ran out of file descriptors: the kernel connects, nobody
// accepts.
TEST_F(ListenerProbeTest, AListenerThatNoLongerAcceptsIsDead) {
  const auto socket = ListenOn("127.0.0.1", 0);
  ASSERT_THAT(socket, IsOk());
  EXPECT_TRUE(RawConnection(socket->port).connected()) << "a connect alone proves nothing";
  const auto begin = clock_.Monotonic();
  EXPECT_THAT(Check(socket->port, false, milliseconds(300)), StatusIs(kUnavailable));
  EXPECT_THAT(Check(socket->port, true, milliseconds(300)), StatusIs(kUnavailable));
  EXPECT_LT(clock_.Monotonic() - begin, seconds(2));
  close(socket->fd);
}

TEST_F(ListenerProbeTest, AFullBacklogIsDead) {
  const auto socket = ListenOn("127.0.0.1", 0);
  ASSERT_THAT(socket, IsOk());
  listen(socket->fd, 0);
  const RawConnection fills_it(socket->port);
  EXPECT_THAT(Check(socket->port, false, milliseconds(300)), StatusIs(kUnavailable));
  close(socket->fd);
}

TEST_F(ListenerProbeTest, ClosedPortsAndListenersThatHangUpAreDead) {
  const auto socket = ListenOn("127.0.0.1", 0);
  ASSERT_THAT(socket, IsOk());
  std::thread hangs_up([fd = socket->fd] {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    poll(&readable, 1, 10'000);
    close(accept(fd, nullptr, nullptr));
  });
  EXPECT_THAT(Check(socket->port), StatusIs(kUnavailable));
  hangs_up.join();
  close(socket->fd);
  EXPECT_THAT(Check(socket->port), StatusIs(kUnavailable)) << "refused";
}

}  // namespace
}  // namespace auth::ops
