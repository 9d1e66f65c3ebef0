#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/dev/postgres_install.h"

namespace auth::testing {
namespace {

constexpr char kSize[] = "size=64m";

void Check(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": errno " + std::to_string(errno));
}

}  // namespace

SmallDisk::SmallDisk() {
  Check(unshare(CLONE_NEWNS), "mount namespace");
  Check(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  Check(mount("tmpfs", path().c_str(), "tmpfs", 0, kSize), "mount tmpfs");
  const auto user = dev::PostgresUser();
  if (!user.ok()) throw std::runtime_error(std::string(user.status().message()));
  if (user->has_value()) Check(chown(path().c_str(), (*user)->uid, (*user)->gid), "chown");
}

SmallDisk::~SmallDisk() { umount2(path().c_str(), MNT_DETACH); }

void SmallDisk::Fill() const {
  const int fd = open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot fill the disk");
  const std::vector<char> block(4096);
  while (write(fd, block.data(), block.size()) > 0) {
  }
  const bool full = errno == ENOSPC;
  close(fd);
  if (!full) throw std::runtime_error("cannot fill the disk");
}

void SmallDisk::Free() const { std::filesystem::remove(ballast()); }

}  // namespace auth::testing
