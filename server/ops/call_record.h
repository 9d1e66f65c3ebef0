#pragma once

#include <string>
#include <string_view>

#include "pool/clock.h"
#include "server/ops/trace_context.h"

namespace auth::ops {

// What is known of a call when it is answered: one access-log line, one set of metrics. Holds no
// part of the request.
struct CallRecord {
  std::string_view rpc;     // "Register"; a static string
  std::string_view method;  // "auth.v1.AuthService/Register"; a static string
  std::string_view code;    // "OK", "INVALID_ARGUMENT", …; a static string
  std::string_view reason;  // an ErrorReason's name, or empty; a static string
  std::string cause;        // of an INTERNAL error, for whoever mends it; else empty
  Duration duration{};
  Duration queue_time{};  // waiting for a worker, all stages
  Duration hash_time{};   // on a hash worker
  Duration store_time{};  // on a store worker
  int db_attempts = 0;    // at the database; more than one if a connection was lost, for example
  std::string peer;
  std::string caller;  // who the caller is by his credentials, or empty
  std::string request_id;
  TraceContext trace;
};

// Is told of every answered call. Thread-safe; called once a call, must not block.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnCall(const CallRecord& record) = 0;
};

}  // namespace auth::ops
