#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "pool/clock.h"
#include "pool/mutex.h"

namespace auth::ops {

// Writes lines from a thread of its own, so that those who log never wait for a slow reader.
//
// Holds at most `max_bytes` that are not yet written; what comes when they are full is dropped and
// counted. Lines that come while a write is under way leave together with the next one. The
// destructor writes everything that was accepted.
//
// Thread-safe. `clock` must outlive it.
class LogWriter {
 public:
  // Receives one or more whole lines; called from one thread at a time; must not throw.
  using Sink = std::function<void(std::string_view lines)>;

  // Some 16,000 lines: seconds of a full access log, and little beside the hash arenas.
  static constexpr std::size_t kMaxBytes = 4 << 20;

  LogWriter(Sink sink, const Clock* clock, std::size_t max_bytes = kMaxBytes);
  ~LogWriter();

  // Takes a line, newline included. False if it was dropped.
  bool Write(std::string_view line);
  // Waits until all lines taken before are written; false if `deadline` came first.
  bool Flush(MonotonicTime deadline);
  std::int64_t dropped() const;

  // A sink that writes to a file descriptor, also if that is non-blocking; bytes that it refuses
  // (a closed pipe) are lost.
  static Sink ToFileDescriptor(int fd);

 private:
  void Run();

  const Sink sink_;
  const Clock* const clock_;
  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::string pending_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;    // bytes accepted since the start
  std::uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;  // and how many of them are out
  std::int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace auth::ops
