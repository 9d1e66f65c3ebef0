#include "server/ops/otlp/call_spans.h"

#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/span.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/span_startoptions.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "server/ops/log_scope.h"
#include "server/ops/status_names.h"

namespace auth::ops {
namespace {

namespace otel = opentelemetry;

otel::nostd::string_view ToOtel(std::string_view text) { return {text.data(), text.size()}; }

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

otel::trace::SpanContext ParentOf(const TraceContext& trace) {
  using W3c = otel::trace::propagation::HttpTraceContext;
  return {W3c::TraceIdFromHex(ToOtel(trace.trace_id)), W3c::SpanIdFromHex(ToOtel(trace.parent_id)),
          otel::trace::TraceFlags(otel::trace::TraceFlags::kIsSampled), /*is_remote=*/true};
}

int StatusNumber(std::string_view name) {
  return static_cast<int>(std::find(kCodeNames.begin(), kCodeNames.end(), name) -
                          kCodeNames.begin());
}

// OpenTelemetry's conventions for servers: what callers do wrong is no error of ours.
bool IsServersFault(std::string_view code) {
  return code == "UNKNOWN" || code == "DEADLINE_EXCEEDED" || code == "UNIMPLEMENTED" ||
         code == "INTERNAL" || code == "UNAVAILABLE" || code == "DATA_LOSS";
}

}  // namespace

CallSpans::CallSpans(std::unique_ptr<otel::sdk::trace::SpanProcessor> processor,
                     const std::string& version, const Clock* clock)
    : clock_(clock),
      provider_(otel::sdk::trace::TracerProviderFactory::Create(
          std::move(processor),
          otel::sdk::resource::Resource::Create(
              {{"service.name", "auth_server"}, {"service.version", version}}))),
      tracer_(provider_->GetTracer("auth_server", version)) {}

CallSpans::~CallSpans() { provider_->Shutdown(); }

void CallSpans::OnCall(const CallRecord& record) {
  if (!record.trace.sampled) return;
  const MonotonicTime end = clock_->Monotonic();
  otel::trace::StartSpanOptions options;
  options.kind = otel::trace::SpanKind::kServer;
  options.parent = ParentOf(record.trace);
  options.start_steady_time = end - record.duration;
  options.start_system_time =
      clock_->Now() - std::chrono::duration_cast<WallTime::duration>(record.duration);
  const auto span =
      tracer_->StartSpan(ToOtel(record.method),
                         {{"rpc.system", "grpc"},
                          {"rpc.service", ToOtel(record.method.substr(0, record.method.find('/')))},
                          {"rpc.method", ToOtel(record.rpc)},
                          {"rpc.grpc.status_code", StatusNumber(record.code)},
                          {"auth.request_id", ToOtel(LoggedId(record.request_id))},
                          {"auth.db_attempts", record.db_attempts},
                          {"auth.queue_ms", Milliseconds(record.queue_time)},
                          {"auth.hash_ms", Milliseconds(record.hash_time)},
                          {"auth.store_ms", Milliseconds(record.store_time)}},
                         options);
  if (!record.reason.empty()) span->SetAttribute("auth.reason", ToOtel(record.reason));
  if (IsServersFault(record.code)) {
    span->SetStatus(otel::trace::StatusCode::kError, ToOtel(record.reason));
  }
  span->End({.end_steady_time = end});
}

}  // namespace auth::ops
