#include "server/ops/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace auth::ops {
namespace {

// Signals belong to the main thread; a closed stderr must not end the process by SIGPIPE.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
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

LogWriter::LogWriter(Sink sink, const Clock* clock, std::size_t max_bytes)
    : sink_(std::move(sink)), clock_(clock), max_bytes_(max_bytes), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "log");
}

LogWriter::~LogWriter() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

bool LogWriter::Write(std::string_view line) {
  {
    MutexLock lock(&mutex_);
    if (taken_ - written_ + line.size() > max_bytes_) {
      ++dropped_;
      return false;
    }
    pending_ += line;
    taken_ += line.size();
  }
  changed_.NotifyAll();
  return true;
}

bool LogWriter::Flush(MonotonicTime deadline) {
  MutexLock lock(&mutex_);
  const std::uint64_t target = taken_;
  while (written_ < target) {
    if (clock_->Monotonic() >= deadline) return false;
    clock_->WaitUntil(deadline, &changed_, &mutex_);
  }
  return true;
}

std::int64_t LogWriter::dropped() const {
  MutexLock lock(&mutex_);
  return dropped_;
}

void LogWriter::Run() {
  BlockSignals();
  std::string batch;
  while (true) {
    {
      MutexLock lock(&mutex_);
      written_ += batch.size();
      changed_.NotifyAll();
      while (pending_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (pending_.empty()) return;
      batch.clear();
      batch.swap(pending_);
    }
    sink_(batch);
  }
}

LogWriter::Sink LogWriter::ToFileDescriptor(int fd) {
  return [fd](std::string_view lines) { WriteAll(fd, lines); };
}

}  // namespace auth::ops
