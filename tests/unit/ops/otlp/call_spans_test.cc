#include "server/ops/otlp/call_spans.h"

#include <gmock/gmock.h>
#include <opentelemetry/exporters/memory/in_memory_span_data.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter_factory.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/span_data.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"

namespace auth::ops {
namespace {

namespace otel = opentelemetry;
using std::chrono::milliseconds;

CallRecord Record() {
  CallRecord record;
  record.rpc = "Register";
  record.method = "auth.v1.AuthService/Register";
  record.code = "OK";
  record.duration = milliseconds(30);
  record.queue_time = milliseconds(5);
  record.hash_time = milliseconds(20);
  record.store_time = milliseconds(4);
  record.db_attempts = 2;
  record.peer = "ipv4:192.0.2.7:4711";
  record.caller = "shop.example";
  record.request_id = "order-42";
  record.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", /*sampled=*/true};
  return record;
}

template <typename Id>
std::string Hex(const Id& id) {
  char digits[2 * Id::kSize];
  id.ToLowerBase16(digits);
  return std::string(digits, sizeof digits);
}

class CallSpansTest : public ::testing::Test {
 protected:
  // The spans that `record` has made.
  std::vector<std::unique_ptr<otel::sdk::trace::SpanData>> Observe(const CallRecord& record) {
    spans_.OnCall(record);
    return exported_->GetSpans();
  }

  testing::FakeClock clock_;
  std::shared_ptr<otel::exporter::memory::InMemorySpanData> exported_;
  CallSpans spans_{otel::sdk::trace::SimpleSpanProcessorFactory::Create(
                       otel::exporter::memory::InMemorySpanExporterFactory::Create(exported_, 100)),
                   "1.2.3", &clock_};
};

TEST_F(CallSpansTest, IsAChildOfTheCallersSpan) {
  const auto spans = Observe(Record());
  ASSERT_EQ(spans.size(), 1u);
  const otel::sdk::trace::SpanData& span = *spans[0];
  EXPECT_EQ(std::string(span.GetName()), "auth.v1.AuthService/Register");
  EXPECT_EQ(Hex(span.GetTraceId()), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(Hex(span.GetParentSpanId()), "00f067aa0ba902b7");
  EXPECT_TRUE(span.GetSpanId().IsValid());
  EXPECT_NE(Hex(span.GetSpanId()), "00f067aa0ba902b7");
  EXPECT_EQ(span.GetSpanKind(), otel::trace::SpanKind::kServer);
  EXPECT_EQ(span.GetDuration(), milliseconds(30));
  EXPECT_EQ(std::chrono::system_clock::time_point(span.GetStartTime()),
            clock_.Now() - milliseconds(30));
}

TEST_F(CallSpansTest, TellsOfTheCallAndNotOfTheCaller) {
  const auto spans = Observe(Record());
  ASSERT_EQ(spans.size(), 1u);
  const auto& attributes = spans[0]->GetAttributes();
  using Value = otel::sdk::common::OwnedAttributeValue;
  const std::unordered_map<std::string, Value> expected = {
      {"rpc.system", std::string("grpc")},
      {"rpc.service", std::string("auth.v1.AuthService")},
      {"rpc.method", std::string("Register")},
      {"rpc.grpc.status_code", 0},
      {"auth.request_id", std::string("order-42")},
      {"auth.db_attempts", 2},
      {"auth.queue_ms", 5.0},
      {"auth.hash_ms", 20.0},
      {"auth.store_ms", 4.0}};
  EXPECT_EQ(attributes, expected);
  EXPECT_EQ(spans[0]->GetStatus(), otel::trace::StatusCode::kUnset);
}

TEST_F(CallSpansTest, OnlyTheServersFaultsAreErrors) {
  CallRecord refused = Record();
  refused.code = "ALREADY_EXISTS";
  refused.reason = "EMAIL_ALREADY_REGISTERED";
  auto spans = Observe(refused);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]->GetStatus(), otel::trace::StatusCode::kUnset);
  EXPECT_EQ(otel::nostd::get<int>(spans[0]->GetAttributes().at("rpc.grpc.status_code")), 6);

  CallRecord failed = Record();
  failed.code = "UNAVAILABLE";
  failed.reason = "DATABASE_UNAVAILABLE";
  spans = Observe(failed);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]->GetStatus(), otel::trace::StatusCode::kError);
  EXPECT_EQ(otel::nostd::get<std::string>(spans[0]->GetAttributes().at("auth.reason")),
            "DATABASE_UNAVAILABLE");
}

TEST_F(CallSpansTest, WhatTheCallerDoesNotSampleMakesNone) {
  CallRecord record = Record();
  record.trace.sampled = false;
  EXPECT_EQ(Observe(record).size(), 0u);
  record.trace = {};
  EXPECT_EQ(Observe(record).size(), 0u);
}

}  // namespace
}  // namespace auth::ops
