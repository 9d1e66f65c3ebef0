#pragma once

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace auth::testing {

// A file system of a test's own (tmpfs) that can be filled to the last byte. Only this process and
// those that it starts afterwards see it, in a mount namespace of their own; it is gone with them,
// also if the process is killed.
//
// Needs root. Not thread-safe; make it before other threads, which would not see it. Throws
// std::runtime_error.
//
//   SmallDisk disk;
//   disk.Fill();
class SmallDisk {
 public:
  SmallDisk();
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Where it is mounted; belongs to the user who runs PostgreSQL.
  const std::filesystem::path& path() const { return directory_.path(); }

  // Leaves no byte free, or frees what Fill took.
  void Fill() const;
  void Free() const;

 private:
  std::filesystem::path ballast() const { return path() / "ballast"; }

  const TemporaryDirectory directory_;
};

}  // namespace auth::testing
