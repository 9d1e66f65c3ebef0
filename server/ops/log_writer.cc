#include "server/ops/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace auth::ops {
namespace {

// Hands on what it is given: our lines are complete, and need no pattern.
class PlainSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit PlainSink(LogWriter::Sink next) : next_(std::move(next)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    next_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  const LogWriter::Sink next_;
};

void PrepareThread() {
  // Signals belong to the main thread; a closed stderr must not end the process by SIGPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "log");
}

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

LogWriter::LogWriter(Sink sink, std::size_t max_lines)
    : thread_(std::make_shared<spdlog::details::thread_pool>(max_lines, /*threads_n=*/1,
                                                             PrepareThread)),
      logger_(std::make_shared<spdlog::async_logger>(
          "", std::make_shared<PlainSink>(std::move(sink)), thread_,
          // spdlog's other policy waits for room.
          spdlog::async_overflow_policy::overrun_oldest)) {}

// The thread, which goes last, ends when it has written what waits.
LogWriter::~LogWriter() = default;

void LogWriter::Write(std::string_view line) {
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::int64_t LogWriter::dropped() const {
  return static_cast<std::int64_t>(thread_->overrun_counter());
}

LogWriter::Sink LogWriter::ToFileDescriptor(int fd) {
  return [fd](std::string_view line) { WriteAll(fd, line); };
}

}  // namespace auth::ops
