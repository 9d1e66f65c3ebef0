#include "tests/support/network_namespace.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pool/mutex.h"

namespace auth::testing {
namespace {

constexpr int kPort = 5432;

// Our end of the pair.
std::string Link() { return absl::StrCat("auth", getpid()); }

void Run(const std::string& command) {
  const std::string line = absl::StrCat("PATH=$PATH:/usr/sbin:/sbin; ", command, " >&2");
  if (std::system(line.c_str()) != 0) throw std::runtime_error(command);
}

// Two addresses in 198.18.0.0/16 that no other test of this machine has: four for each process.
struct Addresses {
  std::string ours;
  std::string inside;
};

Addresses ChooseAddresses() {
  const int block = getpid() % (1 << 14) * 4;
  const std::string prefix = absl::StrCat("198.18.", block >> 8, ".");
  return {absl::StrCat(prefix, (block & 255) + 1), absl::StrCat(prefix, (block & 255) + 2)};
}

}  // namespace

// A thread that lives in the namespace. The namespace ends with it and with the sockets made in it.
class NetworkNamespace::Inside {
 public:
  Inside() : thread_([this] { Live(); }) {}

  ~Inside() {
    {
      MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }

  // Runs `work` inside; throws what it throws.
  void Do(std::function<void()> work) {
    std::packaged_task<void()> task(std::move(work));
    std::future<void> done = task.get_future();
    {
      MutexLock lock(&mutex_);
      task_ = std::move(task);
      changed_.NotifyAll();
    }
    done.get();
  }

  const Addresses addresses = ChooseAddresses();

 private:
  void Live() {
    for (;;) {
      std::packaged_task<void()> task;
      {
        MutexLock lock(&mutex_);
        while (!task_.valid() && !stopping_) changed_.Wait(&mutex_);
        if (stopping_) return;
        task = std::move(task_);
        task_ = {};
      }
      task();
    }
  }

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::packaged_task<void()> task_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

NetworkNamespace::NetworkNamespace() : inside_(std::make_unique<Inside>()) {
  pid_t thread = 0;
  inside_->Do([&] {
    if (unshare(CLONE_NEWNET) != 0)
      throw std::runtime_error("the kernel refuses a network namespace");
    thread = gettid();
  });
  const Addresses& addresses = inside_->addresses;
  const std::string link = Link();
  Run(absl::StrCat("ip link add ", link, " type veth peer name gate netns ", thread));
  Run(absl::StrCat("ip address add ", addresses.ours, "/30 dev ", link));
  Run(absl::StrCat("ip link set ", link, " up"));
  inside_->Do([&] {
    Run(absl::StrCat("ip address add ", addresses.inside, "/30 dev gate"));
    Run("ip link set gate up");
  });
}

// The kernel takes its time with a namespace that nobody uses any more, and the next one has a link
// of the same name.
NetworkNamespace::~NetworkNamespace() {
  try {
    Run("ip link delete " + Link());
  } catch (const std::runtime_error&) {  // it is gone already
  }
}

int NetworkNamespace::BindTcp() {
  int fd = -1;
  inside_->Do([&] {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    inet_pton(AF_INET, inside_->addresses.inside.c_str(), &address.sin_addr);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(fd);
      throw std::runtime_error("bind in the network namespace");
    }
  });
  return fd;
}

void NetworkNamespace::Drop() {
  inside_->Do([] { Run("iptables -A INPUT -j DROP && iptables -A OUTPUT -j DROP"); });
}

void NetworkNamespace::DropFrom(const std::vector<int>& ports) {
  const std::string list = absl::StrJoin(ports, ",");
  inside_->Do([&] {
    Run(absl::StrCat("iptables -A INPUT -p tcp -m multiport --sports ", list, " -j DROP"));
    Run(absl::StrCat("iptables -A OUTPUT -p tcp -m multiport --dports ", list, " -j DROP"));
  });
}

void NetworkNamespace::Heal() {
  inside_->Do([] { Run("iptables -F"); });
}

}  // namespace auth::testing
