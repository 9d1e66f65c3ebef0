#include "server/ops/pool_log.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "pool/sql_error.h"

namespace auth::ops {
namespace {

using pool::BreakerState;
using pool::RetireReason;

constexpr std::string_view kHidden = "***";

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string SqlState(const absl::Status& status) {
  const std::optional<pool::SqlError> error = pool::GetSqlError(status);
  return error ? error->sqlstate : "";
}

// `://user:secret@` → `://user:***@`. A password may itself contain '@', unescaped: up to the last
// one of the word.
void HideUrlPasswords(std::string* text) {
  constexpr std::string_view kScheme = "://";
  for (std::size_t at = text->find(kScheme); at != std::string::npos;
       at = text->find(kScheme, at)) {
    at += kScheme.size();
    const std::size_t word_end = std::min(text->find_first_of(" \"'", at), text->size());
    const std::size_t colon = text->find(':', at);
    const std::size_t host = text->rfind('@', word_end - 1);
    if (host == std::string::npos || host < at || colon >= host) continue;
    text->replace(colon + 1, host - colon - 1, kHidden);
  }
}

// `password=secret` → `password=***`, as in key=value connection strings and URL parameters.
void HidePasswordParameters(std::string* text) {
  constexpr std::string_view kKey = "password=";
  for (std::size_t at = text->find(kKey); at != std::string::npos; at = text->find(kKey, at)) {
    at += kKey.size();
    const bool quoted = at < text->size() && (*text)[at] == '\'';
    const std::size_t end = quoted ? text->find('\'', at + 1) : text->find_first_of(" &\"", at);
    text->replace(at, std::min(end, text->size()) - at, kHidden);
  }
}

}  // namespace

std::string CleanDriverMessage(std::string_view message) {
  std::string text =
      absl::StrReplaceAll(std::string(message), {{"\r", ""}, {"\n", " "}, {"\t", " "}});
  absl::RemoveExtraAsciiWhitespace(&text);
  HideUrlPasswords(&text);
  HidePasswordParameters(&text);
  return text;
}

void PoolLog::OnStarted(int min_connections, int max_connections) {
  logger_->Info(
      "pool_started",
      {{"message", absl::StrFormat("Database connection pool initialized (min=%d, max=%d)",
                                   min_connections, max_connections)},
       {"min", min_connections},
       {"max", max_connections}});
}

void PoolLog::OnConnected(Duration took) {
  if (!failing_.exchange(false)) {
    logger_->Debug("pool_connected",
                   {{"message", "Database connection opened"}, {"took_s", Seconds(took)}});
    return;
  }
  logger_->Info("pool_connected",
                {{"message", "Database connection restored"}, {"took_s", Seconds(took)}});
}

void PoolLog::OnConnectFailed(int attempt, int max_attempts, const absl::Status& why) {
  failing_ = true;
  const std::string driver = CleanDriverMessage(std::string(why.message()));
  logger_->Warning("pool_connect_failed",
                   {{"message", absl::StrFormat("Failed to get connection (attempt %d/%d): %s",
                                                attempt, max_attempts, driver)},
                    {"attempt", attempt},
                    {"max_attempts", max_attempts},
                    {"sqlstate", SqlState(why)}});
  if (attempt < max_attempts) return;
  logger_->Error(
      "pool_connect_exhausted",
      {{"message", absl::StrFormat("Failed to get valid connection after %d attempts", attempt)},
       {"attempts", attempt}});
}

void PoolLog::OnRetryScheduled(Duration delay) {
  logger_->Info("pool_retry", {{"message", absl::StrFormat("Retrying in %.3gs", Seconds(delay))},
                               {"delay_s", Seconds(delay)}});
}

void PoolLog::OnRetired(RetireReason reason) {
  const std::string name(pool::Name(reason));
  if (!pool::WasInvalid(reason)) {
    logger_->Debug("pool_connection_closed",
                   {{"message", absl::StrCat("Connection closed (", name, ")")}, {"reason", name}});
    return;
  }
  logger_->Warning(
      "pool_connection_invalid",
      {{"message", absl::StrCat("Connection is invalid (", name, "), getting new connection")},
       {"reason", name}});
}

void PoolLog::OnRecreated(pool::RecreateReason reason, int64_t generation) {
  logger_->Warning("pool_recreated", {{"message", "Connection pool may be stale, recreating pool"},
                                      {"reason", pool::Name(reason)},
                                      {"generation", generation}});
}

void PoolLog::OnBreaker(BreakerState state) {
  switch (state) {
    case BreakerState::kOpen:
      logger_->Error("pool_breaker",
                     {{"message", "Database unreachable for too long: calls are refused at once"},
                      {"state", pool::Name(state)}});
      return;
    case BreakerState::kHalfOpen:
      logger_->Debug("pool_breaker", {{"message", "Probing whether the database is back"},
                                      {"state", pool::Name(state)}});
      return;
    case BreakerState::kClosed:
      logger_->Info("pool_breaker", {{"message", "Database is back: calls are served again"},
                                     {"state", pool::Name(state)}});
      return;
  }
}

void PoolLog::OnLeak(Duration borrowed_for) {
  logger_->Warning("pool_leak",
                   {{"message", absl::StrFormat("Connection borrowed for %.3gs and not returned",
                                                Seconds(borrowed_for))},
                    {"borrowed_s", Seconds(borrowed_for)}});
}

void PoolLog::OnInDoubt(std::string_view resolution) {
  logger_->Warning(
      "pool_in_doubt",
      {{"message", "Connection lost after a write was sent; its outcome was not known"},
       {"resolution", resolution}});
}

}  // namespace auth::ops
