#include "tests/support/haproxy.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/eventually.h"
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

// A primary that is one no more loses its sessions at once.
constexpr char kHealthChecks[] = R"(
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
)";

constexpr char kServerPrefix[] = "at_";

std::string ServerLines(const std::vector<HaProxy::Candidate>& candidates) {
  std::string lines = kHealthChecks;
  for (const HaProxy::Candidate& candidate : candidates) {
    absl::StrAppend(&lines, "  server ", kServerPrefix, candidate.postgres_port,
                    " 127.0.0.1:", candidate.postgres_port, " check port ", candidate.patroni_port,
                    "\n");
  }
  return lines;
}

}  // namespace

HaProxy::HaProxy(int postgres_port, const Settings& settings)
    : HaProxy(absl::StrCat("\n  server primary 127.0.0.1:", postgres_port, "\n"), settings) {}

HaProxy::HaProxy(const std::vector<Candidate>& candidates)
    : HaProxy(ServerLines(candidates), Settings()) {
  if (!Eventually([this] { return ServersUp() == 1; })) {
    throw std::runtime_error("HAProxy does not find the primary");
  }
}

HaProxy::HaProxy(const std::string& servers, const Settings& settings) : server_(kProgram) {
  std::string text = kConfiguration;
  text.replace(text.find("$0"), 2, (server_.directory() / kRuntimeSocket).string());
  for (const auto& [name, value] : settings) absl::StrAppend(&text, "  ", name, " ", value, "\n");
  absl::StrAppend(&text, "listen database\n  bind 127.0.0.1:", server_.port(), servers);
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
  // There a moment after the listener, at a start.
  if (!Eventually([&] {
        return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
      })) {
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

std::map<std::string, std::string> HaProxy::Statistics(const std::string& column) const {
  const std::vector<std::string> lines = absl::StrSplit(Command("show stat"), '\n');
  const std::vector<std::string> names = absl::StrSplit(lines[0], ',');
  const auto index = std::find(names.begin(), names.end(), column) - names.begin();
  std::map<std::string, std::string> values;
  for (const std::string& line : lines) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    if (fields.size() != names.size()) continue;
    values[fields[1]] = fields.at(static_cast<size_t>(index));
  }
  return values;
}

int HaProxy::ServersUp() const {
  const std::map<std::string, std::string> states = Statistics("status");
  return static_cast<int>(std::count_if(states.begin(), states.end(), [](const auto& state) {
    // One whose first check has failed is "UP 1/2".
    return state.first.starts_with(kServerPrefix) && state.second.starts_with("UP");
  }));
}

int HaProxy::Counter(const std::string& column) const {
  int value = 0;
  if (absl::SimpleAtoi(Statistics(column)["FRONTEND"], &value)) return value;
  throw std::runtime_error("HAProxy's statistics lack " + column);
}

}  // namespace auth::testing
