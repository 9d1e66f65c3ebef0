#include "server/ops/otlp/span_export.h"

#include <opentelemetry/exporters/otlp/otlp_grpc_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_grpc_exporter_options.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>

#include <chrono>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/ops/otlp/call_spans.h"

namespace auth::ops {
namespace {

namespace otel = opentelemetry;
namespace internal_log = opentelemetry::sdk::common::internal_log;

// Of one batch; at the end there are up to four, and a process that stops must not wait for long.
constexpr std::chrono::seconds kExportTimeout(1);

// Gives what the library logs to our log; its own goes to stdout.
class LogBridge final : public internal_log::LogHandler {
 public:
  explicit LogBridge(Logger* logger) : logger_(logger) {}

  void Handle(internal_log::LogLevel level, const char* /*file*/, int /*line*/, const char* message,
              const otel::sdk::common::AttributeMap& /*attributes*/) noexcept override {
    logger_->Log(LevelOf(level), "otlp",
                 {{"message", message == nullptr ? std::string_view() : message}});
  }

 private:
  static LogLevel LevelOf(internal_log::LogLevel level) {
    switch (level) {
      case internal_log::LogLevel::Info:
        return LogLevel::kInfo;
      case internal_log::LogLevel::Debug:
        return LogLevel::kDebug;
      default:
        return LogLevel::kWarning;  // calls are served without it
    }
  }

  Logger* const logger_;
};

class SpanExport final : public CallObserver {
 public:
  SpanExport(const otel::exporter::otlp::OtlpGrpcExporterOptions& options,
             const std::string& version, const Clock* clock, Logger* logger) {
    internal_log::GlobalLogHandler::SetLogHandler(
        otel::nostd::shared_ptr<internal_log::LogHandler>(new LogBridge(logger)));
    spans_ = std::make_unique<CallSpans>(
        otel::sdk::trace::BatchSpanProcessorFactory::Create(
            otel::exporter::otlp::OtlpGrpcExporterFactory::Create(options),
            otel::sdk::trace::BatchSpanProcessorOptions{}),
        version, clock);
  }
  ~SpanExport() override {
    spans_.reset();  // its threads with it
    internal_log::GlobalLogHandler::SetLogHandler(
        otel::nostd::shared_ptr<internal_log::LogHandler>(new internal_log::NoopLogHandler));
  }

  void OnCall(const CallRecord& record) override { spans_->OnCall(record); }

 private:
  std::unique_ptr<CallSpans> spans_;
};

// Whether it is "host:port" behind the scheme.
bool IsAddress(absl::string_view rest) {
  const size_t colon = rest.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 &&
         absl::SimpleAtoi(rest.substr(colon + 1), &port) && port > 0 && port < 65536;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CallObserver>> ExportSpans(const std::string& endpoint,
                                                          const std::string& version,
                                                          const Clock* clock, Logger* logger) {
  absl::string_view rest = endpoint;
  const bool tls = absl::ConsumePrefix(&rest, "https://");
  if ((!tls && !absl::ConsumePrefix(&rest, "http://")) || !IsAddress(rest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--otlp-endpoint: '", endpoint,
                     "' is not http://host:port or https://host:port, such as "
                     "http://127.0.0.1:4317"));
  }
  otel::exporter::otlp::OtlpGrpcExporterOptions options;
  options.endpoint = endpoint;
  options.use_ssl_credentials = tls;
  options.timeout = kExportTimeout;
  return std::make_unique<SpanExport>(options, version, clock, logger);
}

}  // namespace auth::ops
