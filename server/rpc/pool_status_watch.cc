#include "server/rpc/pool_status_watch.h"

#include <grpcpp/server_context.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/account/errors.h"
#include "server/ops/status_names.h"
#include "server/rpc/context_metadata.h"
#include "server/rpc/pool_status.h"
#include "server/rpc/status_mapping.h"

namespace auth::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kDefaultInterval(1);
constexpr milliseconds kLeastInterval(100);
constexpr seconds kMostInterval(60);

absl::StatusOr<Duration> Interval(const v1::WatchPoolStatusRequest& request) {
  if (!request.has_interval()) return kDefaultInterval;
  // Compared as seconds first: a sum of nanoseconds may overflow.
  const std::int64_t whole = request.interval().seconds();
  const Duration interval =
      seconds(std::clamp<std::int64_t>(whole, -1, kMostInterval.count() + 1)) +
      Duration(request.interval().nanos());
  if (interval < kLeastInterval || interval > kMostInterval) {
    return account::InvalidFields(
        {{"interval", account::Violation::kOutOfRange, "Use 0.1 s to 60 s."}});
  }
  return interval;
}

}  // namespace

// One stream. gRPC's reactions come on its threads, Tick and End on ours: `mutex_` orders them, and
// one write is under way at most.
class PoolStatusWatchers::Watcher final
    : public grpc::ServerWriteReactor<v1::WatchPoolStatusResponse> {
 public:
  Watcher(PoolStatusWatchers* watchers, CallInfo info, Duration interval)
      : watchers_(watchers),
        info_(std::move(info)),
        interval_(interval),
        arrival_(watchers->dependencies_.clock->Monotonic()),
        due_(arrival_) {}

  // Keeps the stream alive until gRPC is done with it.
  void Hold(std::shared_ptr<Watcher> self) { self_ = std::move(self); }

  MonotonicTime due() const {
    MutexLock lock(&mutex_);
    return ended_ ? MonotonicTime::max() : due_;
  }

  // Sends a picture if one is due and the last one is out.
  void Tick(MonotonicTime now, const ops::Snapshot& snapshot) {
    // Each time, since a token may be taken back while its stream goes on.
    const absl::Status allowed =
        watchers_->dependencies_.access->Check(info_.method, info_.authorization).status;
    if (!allowed.ok()) return End(allowed);
    MutexLock lock(&mutex_);
    if (ended_ || now < due_) return;
    due_ = std::max(due_ + interval_, now);
    if (writing_) return;
    writing_ = true;
    *response_.mutable_status() = ToProto(snapshot);
    StartWrite(&response_);
  }

  void End(const absl::Status& status) {
    MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    Record(status);
    Finish(ToGrpcStatus(status, info_.request_id));
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mutex_);
      writing_ = false;
    }
    if (!ok) End(account::MakeError(account::Reason::kCancelled));
  }
  void OnCancel() override { End(account::MakeError(account::Reason::kCancelled)); }
  void OnDone() override {
    const std::shared_ptr<Watcher> self = std::move(self_);
    watchers_->Remove(this);
  }

 private:
  void Record(const absl::Status& status) const {
    ops::CallRecord record;
    record.rpc = info_.rpc;
    record.method = info_.method;
    record.code = ops::CodeName(status.code());
    if (!status.ok()) record.reason = Name(account::GetErrorDetails(status).reason);
    record.duration = watchers_->dependencies_.clock->Monotonic() - arrival_;
    record.peer = info_.peer;
    record.caller = info_.caller;
    record.request_id = info_.request_id;
    record.trace = info_.trace;
    watchers_->dependencies_.observer->OnCall(record);
  }

  PoolStatusWatchers* const watchers_;
  const CallInfo info_;
  const Duration interval_;
  const MonotonicTime arrival_;
  std::shared_ptr<Watcher> self_;
  mutable Mutex mutex_;
  MonotonicTime due_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  v1::WatchPoolStatusResponse response_;  // not touched while it is written
};

PoolStatusWatchers::PoolStatusWatchers(const AdminSources* sources,
                                       const CallDependencies& dependencies)
    : sources_(sources), dependencies_(dependencies), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "pool-watch");
}

PoolStatusWatchers::~PoolStatusWatchers() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

grpc::ServerWriteReactor<v1::WatchPoolStatusResponse>* PoolStatusWatchers::Start(
    const grpc::CallbackServerContext& context, const v1::WatchPoolStatusRequest& request) {
  CallInfo info;
  info.rpc = "WatchPoolStatus";
  info.method = "auth.v1.AdminService/WatchPoolStatus";
  FillFromMetadata(context, *dependencies_.clock, &info);
  AccessPolicy::Verdict verdict = dependencies_.access->Check(info.method, info.authorization);
  if (!verdict.caller.empty()) info.caller = std::move(verdict.caller);
  const absl::StatusOr<Duration> interval = Interval(request);
  absl::Status status = verdict.status.ok() ? interval.status() : verdict.status;

  auto watcher = std::make_shared<Watcher>(this, std::move(info),
                                           interval.ok() ? *interval : Duration(kDefaultInterval));
  watcher->Hold(watcher);
  if (status.ok()) status = Admit(watcher);
  if (!status.ok()) watcher->End(status);
  return watcher.get();
}

absl::Status PoolStatusWatchers::Admit(const std::shared_ptr<Watcher>& watcher) {
  MutexLock lock(&mutex_);
  if (shut_down_) return account::MakeError(account::Reason::kShuttingDown);
  if (watchers_.size() >= kMostWatchers) {
    return account::MakeError(account::Reason::kOverloaded, kDefaultInterval);
  }
  watchers_.push_back(watcher);
  changed_.NotifyAll();
  return absl::OkStatus();
}

void PoolStatusWatchers::Remove(const Watcher* watcher) {
  MutexLock lock(&mutex_);
  std::erase_if(watchers_, [&](const auto& each) { return each.get() == watcher; });
}

void PoolStatusWatchers::Shutdown() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    MutexLock lock(&mutex_);
    shut_down_ = true;
    watchers = watchers_;
  }
  // Without the lock: gRPC may react at once.
  for (const auto& watcher : watchers) {
    watcher->End(account::MakeError(account::Reason::kShuttingDown));
  }
}

void PoolStatusWatchers::Run() {
  while (true) {
    std::vector<std::shared_ptr<Watcher>> due;
    {
      MutexLock lock(&mutex_);
      while (due.empty()) {
        if (stopping_) return;
        const MonotonicTime now = dependencies_.clock->Monotonic();
        MonotonicTime next = MonotonicTime::max();
        for (const auto& watcher : watchers_) {
          if (watcher->due() <= now) due.push_back(watcher);
          next = std::min(next, watcher->due());
        }
        if (due.empty()) dependencies_.clock->WaitUntil(next, &changed_, &mutex_);
      }
    }
    const std::shared_ptr<const ops::Snapshot> snapshot = sources_->snapshot();
    const MonotonicTime now = dependencies_.clock->Monotonic();
    for (const auto& watcher : due) watcher->Tick(now, *snapshot);
  }
}

}  // namespace auth::rpc
