#include "tests/support/haproxy.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/postgres_url.h"

namespace auth::testing {
namespace {

constexpr char kProgram[] = "/usr/sbin/haproxy";
constexpr char kRuntimeSocket[] = "runtime.sock";

// The timeouts are long unless a test shortens them; the last of two lines counts. SO_REUSEPORT
// would let two tests share a port.
constexpr char kConfiguration[] = R"(global
  noreuseport
  maxconn 1000
  stats socket $0 mode 600 level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
)";

}  // namespace

HaProxy::HaProxy(int postgres_port, const Settings& settings) : server_(kProgram) {
  std::string text = kConfiguration;
  text.replace(text.find("$0"), 2, (server_.directory() / kRuntimeSocket).string());
  for (const auto& [name, value] : settings) absl::StrAppend(&text, "  ", name, " ", value, "\n");
  absl::StrAppend(&text, "listen database\n  bind 127.0.0.1:", server_.port(),
                  "\n  server primary 127.0.0.1:", postgres_port, "\n");
  server_.Start({"-db", "-f", server_.Write("haproxy.cfg", text).string()});
}

std::string HaProxy::Through(const std::string& url) const {
  return WithLoopbackPort(url, server_.port());
}

std::string HaProxy::Command(const std::string& line) const {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = server_.directory() / kRuntimeSocket;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    throw std::runtime_error("HAProxy's runtime socket does not answer");
  }
  const std::string request = line + "\n";
  std::string answer;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

void HaProxy::Do(const std::string& line) const {
  const std::string complaint = Command(line);
  if (complaint.find_first_not_of('\n') != std::string::npos) {
    throw std::runtime_error("HAProxy: " + line + ": " + complaint);
  }
}

void HaProxy::ShutdownSessions() const { Do("shutdown sessions server database/primary"); }

void HaProxy::DisableServer() const { Do("disable server database/primary"); }

void HaProxy::EnableServer() const { Do("enable server database/primary"); }

int HaProxy::Counter(const std::string& column) const {
  const std::vector<std::string> lines = absl::StrSplit(Command("show stat"), '\n');
  const std::vector<std::string> names = absl::StrSplit(lines[0], ',');
  const auto index = std::find(names.begin(), names.end(), column) - names.begin();
  for (const std::string& line : lines) {
    const std::vector<std::string> values = absl::StrSplit(line, ',');
    int value = 0;
    if (values.size() == names.size() && values[1] == "FRONTEND" &&
        absl::SimpleAtoi(values.at(static_cast<size_t>(index)), &value)) {
      return value;
    }
  }
  throw std::runtime_error("HAProxy's statistics lack " + column);
}

}  // namespace auth::testing
