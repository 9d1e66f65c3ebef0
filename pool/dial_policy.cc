#include "pool/dial_policy.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace auth::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How long a server that closes its sessions may take to stop listening.
constexpr seconds kDoubt(2);
constexpr milliseconds kBetweenDialsInDoubt(250);
constexpr milliseconds kBetweenLooks(500);

}  // namespace

void DialPolicy::OnIdleClosed(MonotonicTime now) {
  doubt_until_ = now + kDoubt;
  due_ = std::min(due_, std::max(now, last_ + kBetweenDialsInDoubt));
}

void DialPolicy::OnLooked(MonotonicTime now) {
  due_ = std::min(due_, std::max(now, last_ + kBetweenLooks));
}

void DialPolicy::OnAnswer() {
  due_ = kNever;
  doubt_until_ = {};
  nobody_listens_ = false;
  outdated_ = dialing_;
}

void DialPolicy::OnStarted(MonotonicTime now) {
  last_ = now;
  due_ = kNever;
  dialing_ = true;
  outdated_ = false;
}

DialPolicy::Finding DialPolicy::OnDialed(Answer answer, MonotonicTime now) {
  dialing_ = false;
  if (outdated_) return Finding::kNothing;
  if (answer != Answer::kNobody && now < doubt_until_) due_ = last_ + kBetweenDialsInDoubt;
  if (answer == Answer::kNotAsked) return Finding::kNothing;
  const bool was_absent = std::exchange(nobody_listens_, answer == Answer::kNobody);
  if (answer == Answer::kNobody) return Finding::kNobodyListens;
  return was_absent ? Finding::kBack : Finding::kNothing;
}

}  // namespace auth::pool
