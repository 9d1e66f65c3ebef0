#include "pool/database_watch.h"

#include <chrono>

namespace auth::pool {
namespace {

// Somebody who looks each second sees within it what has happened.
constexpr std::chrono::milliseconds kBetweenGlances(250);
constexpr std::chrono::milliseconds kWatchedAfterLook(1500);

DialPolicy::Answer AnswerToDial(const absl::Status& status) {
  if (status.ok()) return DialPolicy::Answer::kAccepted;
  return SqlErrorOrLost(status).fault == SqlFault::kLost ? DialPolicy::Answer::kNobody
                                                         : DialPolicy::Answer::kNotAsked;
}

}  // namespace

bool DatabaseWatch::OnAnswer(MonotonicTime now) {
  dial_.OnAnswer();
  return reachability_.OnAnswer(now);
}

bool DatabaseWatch::OnSilence(const SqlError& error, MonotonicTime now) {
  return reachability_.OnSilence(error, now);
}

MonotonicTime DatabaseWatch::OnLook(MonotonicTime now) {
  watched_until_ = now + kWatchedAfterLook;
  return next_glance_;
}

bool DatabaseWatch::GlanceIfDue(MonotonicTime now) {
  if (now < next_glance_) return false;
  if (now >= watched_until_) {
    watched_until_ = {};  // so that no glance is due
    return false;
  }
  next_glance_ = now + kBetweenGlances;
  if (reachability_.silent()) dial_.OnLooked(now);
  return true;
}

void DatabaseWatch::OnIdleClosed(MonotonicTime now) {
  if (now < watched_until_) dial_.OnIdleClosed(now);
}

bool DatabaseWatch::OnDialed(const absl::Status& status, MonotonicTime now) {
  switch (dial_.OnDialed(AnswerToDial(status), now)) {
    case DialPolicy::Finding::kNothing:
      return false;
    case DialPolicy::Finding::kNobodyListens:
      return reachability_.OnSilence(SqlErrorOrLost(status), now);
    case DialPolicy::Finding::kBack:
      return reachability_.OnAnswer(now);
  }
  return false;
}

}  // namespace auth::pool
