#pragma once

#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/trace/tracer.h>

#include <memory>
#include <string>

#include "pool/clock.h"
#include "server/ops/call_record.h"

namespace auth::ops {

// Makes a span of each answered call that its caller samples, and hands it to `processor`.
//
//   name        auth.v1.AuthService/Register
//   parent      the caller's span
//   kind        server; status `error` for what is the server's fault
//   attributes  rpc.system, rpc.service, rpc.method, rpc.grpc.status_code, and of this service
//               auth.reason, auth.request_id, auth.db_attempts, auth.queue_ms, auth.hash_ms,
//               auth.store_ms; nothing of the request, and not who called
//
// Thread-safe. Destruction shuts the processor down. `clock` must outlive it.
class CallSpans final : public CallObserver {
 public:
  CallSpans(std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> processor,
            const std::string& version, const Clock* clock);
  ~CallSpans() override;

  void OnCall(const CallRecord& record) override;

 private:
  const Clock* const clock_;
  const std::unique_ptr<opentelemetry::sdk::trace::TracerProvider> provider_;
  const opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer> tracer_;
};

}  // namespace auth::ops
