// Certificates of servers and of clients are renewed under load, by files that are written one
// after another, and sometimes wrong: no restart, and nobody notices.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/server/cheap_hashing.h"
#include "tests/support/server/client_load.h"
#include "tests/support/server/deployment.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificate.h"
#include "tests/support/test_postgres.h"
#include "tests/support/test_run.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kHosts[] = "DNS:auth.test,IP:127.0.1.1";

// Somebody who connects anew for each call.
grpc::Status CallAsNewcomer(const std::string& address, const TestCertificate& ca,
                            const TestCertificate& identity) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  const auto channel = grpc::CreateCustomChannel(
      address, grpc::SslCredentials({ca.certificate, identity.key, identity.certificate}),
      arguments);
  return SignOut(v1::AuthService::NewStub(channel).get(), "", seconds(5));
}

class CertificateRotation : public ::testing::Test {
 protected:
  struct Client {
    TestCertificate ca;
    TestCertificate identity;
    std::string cert_file;
    std::string key_file;
  };

  Client MakeClient(const std::string& name) const {
    Client client;
    client.ca = MakeSelfSignedCertificate(name + "-ca", kHosts);
    client.identity = MakeCertificate(name, kHosts, client.ca);
    client.cert_file = directory_.Write(name + ".pem", client.identity.certificate);
    client.key_file = directory_.Write(name + "-key.pem", client.identity.key);
    return client;
  }
  client::AuthClientOptions OptionsOf(const Client& of) const {
    return {.channel = {
                .target = deployment_.target(),
                .tls = client::TlsOptions{.ca_file = directory_.Write("ca.pem", ca_.certificate),
                                          .cert_file = of.cert_file,
                                          .key_file = of.key_file}}};
  }

  // Writes a file, and waits until every server has read it and found it good, or of no use.
  void Write(const std::string& name, const std::string& content, const std::string& result) {
    ReadBy([&] { directory_.Write(name, content); }, result);
  }
  void ReadBy(const std::function<void()>& change, const std::string& result) {
    const std::string sample = "auth_tls_reloads_total{result=\"" + result + "\"}";
    std::vector<double> before;
    for (const AuthServerProcess* server : deployment_.servers()) {
      before.push_back(server->Metric(sample));
    }
    change();
    EXPECT_TRUE(Eventually([&] {
      size_t i = 0;
      const auto servers = deployment_.servers();
      return std::all_of(servers.begin(), servers.end(), [&](const AuthServerProcess* server) {
        return server->Metric(sample) > before[i++];
      });
    })) << result;
  }

  TestPostgres postgres_;
  const std::string url_ = postgres_.CreateDatabase();
  const TemporaryDirectory directory_;
  const TestCertificate ca_ = MakeSelfSignedCertificate("ca", kHosts);
  const TestCertificate first_ = MakeCertificate("server", kHosts, ca_);
  const Client old_client_ = MakeClient("old-client");
  const Client new_client_ = MakeClient("new-client");
  Deployment deployment_{
      3,
      {.flags = WithCheapHashing(
           {"--database-url=" + url_,
            "--tls-cert=" + directory_.Write("cert.pem", first_.certificate),
            "--tls-key=" + directory_.Write("key.pem", first_.key),
            "--tls-client-ca=" + directory_.Write("client-ca.pem", old_client_.ca.certificate)})}};
  History history_;
};

TEST_F(CertificateRotation, NobodyNoticesThatCertificatesAreRenewed) {
  ClientLoad old_load(OptionsOf(old_client_), "old", &history_);
  std::atomic<const Client*> newcomer = &old_client_;
  std::atomic<int> came = 0;
  std::atomic<int> refused = 0;
  std::jthread newcomers([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const grpc::Status status =
          CallAsNewcomer(deployment_.address(), ca_, newcomer.load()->identity);
      ++came;
      if (!status.ok()) {
        ++refused;
        std::printf("%d: %s\n", status.error_code(), status.error_message().c_str());
      }
      LetPass(milliseconds(20));
    }
  });

  const int rotations = ShortOrLong(5, 100);
  for (int i = 0; i < rotations; ++i) {
    const TestCertificate renewed = MakeCertificate("server", kHosts, ca_);
    Write("key.pem", renewed.key, "refused");
    Write("cert.pem", renewed.certificate, "used");
  }
  Write("cert.pem", "", "refused");

  const TestCertificate last = MakeCertificate("server", kHosts, ca_);
  directory_.Write("key.pem", last.key);
  Write("cert.pem", last.certificate, "used");
  ReadBy([&] { std::filesystem::remove(directory_.path() / "client-ca.pem"); }, "refused");
  Write("client-ca.pem", old_client_.ca.certificate + new_client_.ca.certificate, "used");
  // gRPC looks once a second at what is in force.
  ASSERT_TRUE(Eventually(
      [&] { return CallAsNewcomer(deployment_.address(), ca_, new_client_.identity).ok(); }));
  newcomer = &new_client_;
  LetPass(seconds(2));  // the other servers have looked, too
  ClientLoad new_load(OptionsOf(new_client_), "new", &history_);
  LetPass(seconds(1));
  old_load.Stop();
  Write("client-ca.pem", new_client_.ca.certificate, "used");
  EXPECT_TRUE(Eventually([&] {
    return !CallAsNewcomer(deployment_.address(), ca_, old_client_.identity).ok();
  })) << "whoever is trusted no more";

  new_load.Stop();
  newcomers.request_stop();
  newcomers.join();
  std::printf("%d rotations; %ld + %ld calls OK, %ld failed; %d newcomers, %d refused\n", rotations,
              old_load.ok(), new_load.ok(), old_load.failed() + new_load.failed(), came.load(),
              refused.load());
  EXPECT_EQ(old_load.failed(), 0) << old_load.failures();
  EXPECT_EQ(new_load.failed(), 0) << new_load.failures();
  EXPECT_EQ(refused, 0);
  EXPECT_GT(came, 20 * rotations);
  ClientLoad restored(OptionsOf(new_client_), "restored", &history_);
  EXPECT_TRUE(Eventually([&] { return restored.ok() > 0; }, seconds(5)));
  restored.Stop();
  EXPECT_EQ(restored.failed(), 0) << restored.failures();
  EXPECT_EQ(history_.Check(url_), "");
}

}  // namespace
}  // namespace auth::testing
