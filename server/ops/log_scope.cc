#include "server/ops/log_scope.h"

#include <cstddef>

namespace auth::ops {
namespace {

// A W3C trace id has 32 characters and a UUID 36.
constexpr std::size_t kMaxIdLength = 64;

thread_local const LogScope* current = nullptr;

}  // namespace

LogScope::LogScope(std::string_view request_id, std::string_view trace_id)
    : request_id_(LoggedId(request_id)), trace_id_(LoggedId(trace_id)), outer_(current) {
  current = this;
}

LogScope::~LogScope() { current = outer_; }

const LogScope* LogScope::Current() { return current; }

std::string_view LoggedId(std::string_view id) { return id.substr(0, kMaxIdLength); }

}  // namespace auth::ops
