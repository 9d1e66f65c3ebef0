#include "server/rpc/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth::rpc {
namespace {

absl::Status Failed(const char* what) {
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// The descriptor of a new file.
absl::StatusOr<int> MakeFile(std::string_view content, std::time_t modified) {
  const int fd = memfd_create("tls", MFD_CLOEXEC);
  if (fd < 0) return Failed("memfd_create");
  const timespec times[2] = {{.tv_sec = modified, .tv_nsec = 0},
                             {.tv_sec = modified, .tv_nsec = 0}};
  const auto size = static_cast<ssize_t>(content.size());
  if (write(fd, content.data(), content.size()) == size && futimens(fd, times) == 0) return fd;
  const absl::Status status = Failed("memfd");
  close(fd);
  return status;
}

}  // namespace

absl::StatusOr<MemoryFile> MemoryFile::Create(std::string_view content) {
  const std::time_t now = std::time(nullptr);
  const absl::StatusOr<int> fd = MakeFile(content, now);
  if (!fd.ok()) return fd.status();
  MemoryFile file(*fd);
  file.modified_ = now;
  return file;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), modified_(other.modified_) {}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

std::string MemoryFile::path() const { return absl::StrCat("/proc/self/fd/", fd_); }

absl::Status MemoryFile::Replace(std::string_view content) {
  const std::time_t modified = std::max(std::time(nullptr), modified_ + 1);
  const absl::StatusOr<int> fresh = MakeFile(content, modified);
  if (!fresh.ok()) return fresh.status();
  // The descriptor, and so the path, changes from one file to the other in one step.
  const bool replaced = dup3(*fresh, fd_, O_CLOEXEC) >= 0;
  absl::Status status = replaced ? absl::OkStatus() : Failed("dup3");
  close(*fresh);
  if (replaced) modified_ = modified;
  return status;
}

}  // namespace auth::rpc
