#include "client/authctl/pool_watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <memory>

#include "client/authctl/failure_text.h"
#include "client/authctl/pool_stream.h"
#include "client/authctl/pool_view.h"
#include "client/authctl/secret.h"
#include "client/authctl/signals.h"
#include "client/authctl/style.h"

namespace auth::authctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Between two tries to reach a server that is away.
constexpr seconds kPause(1);

enum class Woken { kByEvent, kBySilence, kByEnd };

class PoolWatch {
 public:
  PoolWatch(const CommandLine& line, std::string token, Signals* signals, Report* report)
      : line_(line), token_(std::move(token)), signals_(*signals), report_(*report) {
    if (!line.json && IsScreen(STDOUT_FILENO)) {
      view_ = MakeScreenView(line, STDOUT_FILENO, WantsColours(STDOUT_FILENO));
    } else {
      view_ = MakeLineView(line, &std::cout, &std::cerr);
    }
  }

  ExitCode Run() {
    while (true) {
      const steady_clock::time_point start = steady_clock::now();
      const absl::StatusOr<ExitCode> done = FollowOneStream();
      if (done.ok()) return *done;
      if (!answered_ || !MayComeBack(done.status())) return Fail(done.status());
      // A server ends old connections; a stream that has lasted is begun again without a word.
      if (!lost_ && steady_clock::now() - start >= kPause) {
        lost_ = true;
        told_ = false;
        continue;
      }
      lost_ = true;
      if (!told_) view_->Lost(ExplainFailure(done.status(), line_, Origin()).what);
      told_ = true;
      if (Wait(-1, kPause) == Woken::kByEnd) return kOk;
    }
  }

 private:
  // Until the stream fails; the exit code if the program is to end.
  absl::StatusOr<ExitCode> FollowOneStream() {
    // A fresh channel knows nothing of failed connects, for which gRPC would pause, and asks DNS.
    const auto channel = client::MakeChannel(line_.channel, /*service_config=*/"");
    if (!channel.ok()) return channel.status();
    PoolStream stream(*channel, {token_, line_.interval, line_.traceparent});
    while (true) {
      switch (Wait(stream.event_fd(), line_.interval + line_.timeout)) {
        case Woken::kByEnd:
          return kOk;
        case Woken::kBySilence:
          return absl::DeadlineExceededError("");
        case Woken::kByEvent:
          break;
      }
      const absl::StatusOr<v1::PoolStatus> status = stream.Take();
      if (!status.ok()) return status.status();
      if (lost_ && told_) view_->Back();
      lost_ = told_ = false;
      answered_ = true;
      if (!view_->Show(*status)) return kUsage;  // stdout is gone, which main tells
    }
  }

  // Whether a later call may succeed, without anybody doing anything about this one.
  static bool MayComeBack(const absl::Status& failure) {
    switch (failure.code()) {
      case absl::StatusCode::kUnauthenticated:
      case absl::StatusCode::kPermissionDenied:
      case absl::StatusCode::kInvalidArgument:
      case absl::StatusCode::kUnimplemented:
        return false;
      default:
        return true;
    }
  }

  // Waits for `fd` (none if -1) or a signal that ends the program, and serves the other signals.
  Woken Wait(int fd, nanoseconds timeout) {
    const steady_clock::time_point end = steady_clock::now() + timeout;
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
      if (left <= milliseconds(0)) return Woken::kBySilence;
      std::array<pollfd, 2> ready = {pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = fd, .events = POLLIN, .revents = 0}};
      // At most a day and a minute: see --timeout and --interval.
      if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) <= 0) continue;
      if (ready[0].revents != 0 && EndsProgram(signals_.Take())) return Woken::kByEnd;
      if (ready[1].revents != 0) return Woken::kByEvent;
    }
  }

  bool EndsProgram(int signal) {
    if (signal == SIGWINCH) {
      view_->Resize();
      return false;
    }
    if (signal != SIGTSTP) return true;
    view_->Suspend();
    ::raise(SIGSTOP);
    view_->Resume();
    return false;
  }

  ExitCode Fail(const absl::Status& failure) {
    view_.reset();  // the screen is the user's again
    return report_.Failure(failure);
  }

  std::string Origin() const { return OriginOfToken(line_.secret, kServiceToken); }

  const CommandLine& line_;
  const std::string token_;
  Signals& signals_;
  Report& report_;
  std::unique_ptr<PoolView> view_;
  bool answered_ = false;  // at least once
  bool lost_ = false;      // since the last answer
  bool told_ = false;      // and the user knows
};

}  // namespace

ExitCode WatchPool(const CommandLine& line, const std::string& token, Report* report) {
  Signals signals;
  // A channel that cannot be made says so before the screen is taken.
  const auto channel = client::MakeChannel(line.channel, /*service_config=*/"");
  if (!channel.ok()) return report->UsageError(channel.status());
  return PoolWatch(line, token, &signals, report).Run();
}

}  // namespace auth::authctl
