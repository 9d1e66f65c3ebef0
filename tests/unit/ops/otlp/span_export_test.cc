#include "server/ops/otlp/span_export.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "pool/mutex.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ops/log_capture.h"

namespace auth::ops {
namespace {

using ::testing::HasSubstr;

// Takes whatever it is sent, as "method: bytes". An empty answer is a good one.
class Collector final : public grpc::CallbackGenericService {
 public:
  Collector() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~Collector() override { server_->Shutdown(); }

  std::string endpoint() const { return absl::StrCat("http://127.0.0.1:", port_); }
  std::string received() {
    MutexLock lock(&mutex_);
    return received_;
  }

 private:
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    Call(Collector* collector, const std::string& method) : collector_(collector), method_(method) {
      StartRead(&request_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "nothing came"));
      std::vector<grpc::Slice> slices;
      EXPECT_TRUE(request_.Dump(&slices).ok());
      {
        MutexLock lock(&collector_->mutex_);
        collector_->received_ += method_ + ": ";
        for (const grpc::Slice& slice : slices) {
          collector_->received_.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
        }
      }
      const grpc::Slice nothing;
      response_ = grpc::ByteBuffer(&nothing, 1);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    Collector* const collector_;
    const std::string method_;
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(this, context->method());
  }

  int port_ = 0;
  Mutex mutex_;
  std::string received_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

CallRecord SampledCall() {
  CallRecord record;
  record.rpc = "SignIn";
  record.method = "auth.v1.AuthService/SignIn";
  record.code = "OK";
  record.request_id = "order-42";
  record.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", /*sampled=*/true};
  return record;
}

TEST(SpanExportTest, ACollectorReceivesTheSpans) {
  Collector collector;
  LogCapture log;
  {
    auto spans = ExportSpans(collector.endpoint(), "1.2.3", &log.clock(), log.logger());
    ASSERT_THAT(spans, testing::IsOk());
    (*spans)->OnCall(SampledCall());
  }
  const std::string received = collector.received();
  EXPECT_THAT(received, HasSubstr("/opentelemetry.proto.collector.trace.v1.TraceService/Export: "));
  for (const char* part : {"auth.v1.AuthService/SignIn", "order-42", "auth_server", "1.2.3"}) {
    EXPECT_THAT(received, HasSubstr(part));
  }
  for (const char* id : {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"}) {
    EXPECT_THAT(absl::BytesToHexString(received), HasSubstr(id));
  }
  EXPECT_THAT(log.Lines(), ::testing::IsEmpty());
}

TEST(SpanExportTest, ACollectorThatIsAwayIsAnEventOfTheLogAndStallsNobody) {
  LogCapture log;
  const RealClock clock;
  const MonotonicTime begin = clock.Monotonic();
  {
    auto spans = ExportSpans("http://127.0.0.1:1", "1.2.3", &log.clock(), log.logger());
    ASSERT_THAT(spans, testing::IsOk());
    for (int i = 0; i < 5000; ++i) (*spans)->OnCall(SampledCall());
    EXPECT_LT(clock.Monotonic() - begin, std::chrono::seconds(2));
  }
  EXPECT_LT(clock.Monotonic() - begin, std::chrono::seconds(10)) << "the end has a bound";
  const auto lines = log.Lines();
  ASSERT_FALSE(lines.empty());
  for (const auto& line : lines) {
    EXPECT_EQ(line["event"], "otlp");
    EXPECT_NE(line["level"], "error");
  }
}

TEST(SpanExportTest, RefusesWhatIsNoEndpoint) {
  LogCapture log;
  for (const char* endpoint : {"127.0.0.1:4317", "grpc://127.0.0.1:4317", "http://127.0.0.1",
                               "http://:4317", "http://127.0.0.1:0", "http://127.0.0.1:4317/v1"}) {
    const auto spans = ExportSpans(endpoint, "1.2.3", &log.clock(), log.logger());
    EXPECT_EQ(spans.status().code(), absl::StatusCode::kInvalidArgument) << endpoint;
    EXPECT_THAT(std::string(spans.status().message()), HasSubstr("--otlp-endpoint"));
  }
}

}  // namespace
}  // namespace auth::ops
