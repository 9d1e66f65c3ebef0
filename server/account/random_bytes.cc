#include "server/account/random_bytes.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace auth::account {

void FillRandom(uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t got = getrandom(data, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::perror("getrandom");
      std::abort();
    }
    data += got;
    size -= static_cast<size_t>(got);
  }
}

}  // namespace auth::account
