#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/ops/call_record.h"
#include "server/ops/logger.h"

namespace auth::ops {

// Sends a span of every call that its caller samples to an OpenTelemetry collector, by OTLP over
// gRPC; CallSpans says what stands in it. Never blocks a call: spans wait for a thread of the
// OpenTelemetry library, at most 2048, and more are dropped. Destruction sends the rest, and takes
// some seconds if the collector is away. What the library has to say is logged as the event `otlp`.
//
// `endpoint` is "http://host:port" or "https://host:port"; the library's own variables
// (OTEL_EXPORTER_OTLP_HEADERS, …_CERTIFICATE) apply to the rest. INVALID_ARGUMENT if it is neither,
// or if the program was built without OpenTelemetry. At most one object at a time: the library has
// one log in a process. `clock` and `logger` must outlive it.
absl::StatusOr<std::unique_ptr<CallObserver>> ExportSpans(const std::string& endpoint,
                                                          const std::string& version,
                                                          const Clock* clock, Logger* logger);

}  // namespace auth::ops
