#pragma once

#include <signal.h>

#include "client/authctl/file_descriptor.h"

namespace auth::authctl {

// Takes the signals that end, suspend or resize a program at a terminal, for a scope: they are read
// from a file descriptor and have no other effect. Make it while the process has one thread; those
// that follow inherit it.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when Take will not block.
  int fd() const { return fd_.get(); }
  // The next one, e.g. SIGINT.
  int Take();

 private:
  static sigset_t Set();

  sigset_t before_;
  const FileDescriptor fd_;
};

}  // namespace auth::authctl
