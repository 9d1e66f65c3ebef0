#include "tests/support/third_party_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "server/dev/loopback_port.h"
#include "server/dev/postgres_install.h"
#include "tests/support/eventually.h"

namespace auth::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kExitTimeout(20);
constexpr char kLog[] = "log";

template <typename T>
T ValueOrThrow(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(std::string(value.status().message()));
  return *std::move(value);
}

void GiveTo(const std::optional<dev::SystemUser>& user, const fs::path& file) {
  if (user && chown(file.c_str(), user->uid, user->gid) != 0) {
    throw std::runtime_error("cannot give " + file.string() + " to " + user->name);
  }
}

}  // namespace

ThirdPartyServer::ThirdPartyServer(fs::path program, int orphan_signal)
    : program_(std::move(program)),
      user_(ValueOrThrow(dev::PostgresUser())),
      port_(ValueOrThrow(dev::ChooseLoopbackPort())),
      guard_(directory_.path().string(), orphan_signal) {
  if (access(program_.c_str(), X_OK) != 0) {
    throw std::runtime_error(program_.string() +
                             " is not installed: run deploy/install-deps --tests");
  }
  GiveTo(user_, directory());
}

ThirdPartyServer::~ThirdPartyServer() { Kill(); }

fs::path ThirdPartyServer::Write(const std::string& name, const std::string& content) const {
  const fs::path file = directory_.Write(name, content);
  chmod(file.c_str(), 0600);
  GiveTo(user_, file);
  return file;
}

void ThirdPartyServer::Start(const std::vector<std::string>& arguments) {
  const int log =
      open((directory() / kLog).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::vector<std::string> command = {program_.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  absl::StatusOr<dev::ChildProcess> started =
      dev::ChildProcess::Spawn({.command = std::move(command),
                                .working_directory = directory(),
                                .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"},
                                .user = user_,
                                .output = log});
  close(log);
  process_ = ValueOrThrow(std::move(started));
  guard_.Watch(process_->pid());

  bool exited = false;
  const bool listening = Eventually([&] {
    exited = process_->WaitForExit(Duration::zero());
    return exited || !dev::LoopbackPortIsFree(port_);
  });
  if (exited || !listening) {
    throw std::runtime_error(program_.string() + " does not listen; its log:\n" + this->log());
  }
}

void ThirdPartyServer::Kill() {
  if (process_) End(SIGKILL);
}

void ThirdPartyServer::End(int signal) {
  process_->Signal(signal);
  if (!process_->WaitForExit(kExitTimeout)) {
    throw std::runtime_error(program_.string() + " does not end; its log:\n" + log());
  }
  process_.reset();
  guard_.Watch(0);
}

std::string ThirdPartyServer::log() const {
  std::ifstream file(directory() / kLog);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace auth::testing
