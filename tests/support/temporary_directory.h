#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace auth::testing {

// A directory of a test's own that every user can pass through, removed at the end. Below /tmp,
// whatever TMPDIR says: the user `postgres` must reach it. Its name carries the mark of tests/run,
// by which that finds the servers that a test leaves there.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* const marker = std::getenv("TEST_RUN_MARKER");
    std::string name =
        std::string("/tmp/auth-test-") + (marker == nullptr ? "" : marker) + "XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    chmod(path_.c_str(), 0711);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Makes the file `name`, or replaces it in one step, so that who watches it never sees a part.
  // Returns its path.
  std::string Write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = path_ / name;
    const std::filesystem::path written = file.string() + ".new";
    std::ofstream(written) << content;
    std::filesystem::rename(written, file);
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace auth::testing
