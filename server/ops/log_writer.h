#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace auth::ops {

// Writes lines from a thread of its own, so that those who log never wait for a slow reader: an
// asynchronous logger of spdlog, of which nothing is used but its queue and its thread.
//
// At most `max_lines` wait to be written. A line that comes when they are full takes the place of
// the oldest, which is dropped and counted. The destructor writes everything that waits, and takes
// as long as the reader does.
//
// Thread-safe.
class LogWriter {
 public:
  // Receives one whole line; called from one thread at a time; must not throw.
  using Sink = std::function<void(std::string_view line)>;

  // About half a second of a full access log. The queue takes 1.8 MB from the start, and as much
  // again for the text of longer lines when it is full.
  static constexpr std::size_t kMaxLines = 4096;

  explicit LogWriter(Sink sink, std::size_t max_lines = kMaxLines);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Takes a line, newline included.
  void Write(std::string_view line);
  std::int64_t dropped() const;

  // A sink that writes to a file descriptor, also if that is non-blocking; bytes that it refuses
  // (a closed pipe) are lost.
  static Sink ToFileDescriptor(int fd);

 private:
  const std::shared_ptr<spdlog::details::thread_pool> thread_;
  const std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace auth::ops
