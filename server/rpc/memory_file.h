#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace auth::rpc {

// A file in memory, for a library that takes nothing but paths. Its content is replaced in one
// step: whoever opens the path reads the old content or the new one, and two readings between which
// it was replaced differ in the time of modification, by whole seconds at least.
//
// Thread-safe, except that one thread replaces. No other process can open it, save one of the same
// user or root.
class MemoryFile {
 public:
  // RESOURCE_EXHAUSTED if the process may open no more files.
  static absl::StatusOr<MemoryFile> Create(std::string_view content);
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile();

  // Good for this process, as long as the object lives, and only where /proc is mounted.
  std::string path() const;

  // After a failure the content is the old one.
  absl::Status Replace(std::string_view content);

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}

  int fd_;
  std::time_t modified_ = 0;
};

}  // namespace auth::rpc
