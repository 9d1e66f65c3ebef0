#include "tests/support/patroni_cluster.h"

#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/substitute.h"
#include "server/dev/child_process.h"
#include "server/dev/loopback_port.h"
#include "server/dev/postgres_install.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/sql_connection.h"

namespace auth::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kEtcd[] = "/usr/bin/etcd";
constexpr char kPatroni[] = "/usr/bin/patroni";
constexpr size_t kMembers = 3;
// A member that comes back may have to be copied anew.
constexpr std::chrono::seconds kPatience(90);
constexpr std::chrono::seconds kExit(20);

// Tests need no secret on loopback.
constexpr char kPassword[] = "patroni";

// $0 name, $1 etcd's port, $2 Patroni's, $3 PostgreSQL's, $4 PostgreSQL's programs, $5 a directory,
// $6 the password. What is below `dcs` is what deploy/databases.md advises; what makes it fast at
// the cost of safety in a power cut is not.
constexpr char kSettings[] = R"(scope: accounts
name: $0
etcd3: {hosts: "127.0.0.1:$1"}
restapi: {listen: "127.0.0.1:$2", connect_address: "127.0.0.1:$2"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
  initdb:
    - encoding: UTF8
    - locale: C.UTF-8
    - no-sync
postgresql:
  listen: "127.0.0.1:$3"
  connect_address: "127.0.0.1:$3"
  bin_dir: $4
  data_dir: $5/cluster
  pgpass: $5/pgpass
  authentication:
    superuser: {username: postgres, password: $6}
    replication: {username: replicator, password: $6}
  pg_hba:
    - host all all 127.0.0.1/32 scram-sha-256
    - host replication replicator 127.0.0.1/32 scram-sha-256
  parameters:
    unix_socket_directories: ""
    fsync: "off"
    shared_buffers: 32MB
)";

template <typename T>
T ValueOrThrow(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(std::string(value.status().message()));
  return *std::move(value);
}

bool WorksIn(const fs::path& directory, const fs::path& process) {
  std::error_code ended;
  const std::string where = fs::read_symlink(process / "cwd", ended);
  return !ended && (where == directory || where.starts_with(directory.string() + "/"));
}

// The processes that work in `directory` or below it: those of a PostgreSQL server have left the
// session and the parent that started them. None is mistaken for another that got its number.
std::vector<dev::ChildProcess> ProcessesIn(const fs::path& directory) {
  std::vector<dev::ChildProcess> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (!WorksIn(directory, entry)) continue;
    absl::StatusOr<dev::ChildProcess> process = dev::ChildProcess::Adopt(pid);
    if (process.ok() && WorksIn(directory, entry)) found.push_back(*std::move(process));
  }
  return found;
}

// Sends them `signal` until there are none.
void EndProcessesIn(const fs::path& directory, int signal) {
  for (;;) {
    std::vector<dev::ChildProcess> processes = ProcessesIn(directory);
    if (processes.empty()) return;
    for (const dev::ChildProcess& process : processes) process.Signal(signal);
    for (dev::ChildProcess& process : processes) process.WaitForExit(kExit);
  }
}

}  // namespace

// Patroni, and the PostgreSQL server that it starts.
class PatroniCluster::Member {
 public:
  Member(size_t number, int etcd_port)
      : name_(absl::StrCat("member", number)),
        // On SIGTERM it stops PostgreSQL before it ends.
        patroni_(kPatroni, SIGTERM),
        postgres_port_(ValueOrThrow(dev::ChooseLoopbackPort())) {
    settings_ = patroni_.Write(
        "patroni.yml",
        absl::Substitute(kSettings, name_, etcd_port, patroni_.port(), postgres_port_,
                         ValueOrThrow(dev::FindPostgres(std::nullopt, "")).string(),
                         patroni_.directory().string(), kPassword));
  }
  // PostgreSQL ends at once on SIGQUIT, and leaves no shared memory.
  ~Member() { End(SIGQUIT); }

  void Start() { patroni_.Start({settings_}); }
  void Kill() { End(SIGKILL); }

  bool Is(const std::string& path) const {
    return AskHttp(patroni_.port(), "GET", path).status == 200;
  }

  const std::string& name() const { return name_; }
  int patroni_port() const { return patroni_.port(); }
  int postgres_port() const { return postgres_port_; }
  std::string log() const { return patroni_.log(); }
  // The database `postgres`, of this server only.
  std::string url() const {
    return absl::StrCat("postgresql://postgres:", kPassword, "@127.0.0.1:", postgres_port_,
                        "/postgres");
  }

 private:
  // First Patroni, so that it neither helps nor tells anybody.
  void End(int signal) {
    patroni_.Kill();
    EndProcessesIn(patroni_.directory(), signal);
  }

  const std::string name_;
  ThirdPartyServer patroni_;
  const int postgres_port_;
  std::string settings_;
};

PatroniCluster::PatroniCluster() : etcd_(kEtcd) {
  const auto url = [](int port) { return absl::StrCat("http://127.0.0.1:", port); };
  const std::string client_url = url(etcd_.port());
  const std::string peer_url = url(ValueOrThrow(dev::ChooseLoopbackPort()));
  etcd_.Start({"--name=etcd", "--data-dir=data", "--listen-client-urls=" + client_url,
               "--advertise-client-urls=" + client_url, "--listen-peer-urls=" + peer_url,
               "--initial-advertise-peer-urls=" + peer_url, "--initial-cluster=etcd=" + peer_url});
  for (size_t number = 0; number < kMembers; ++number) {
    members_.push_back(std::make_unique<Member>(number, etcd_.port()));
    members_.back()->Start();
  }
  AwaitWhole();
}

PatroniCluster::~PatroniCluster() = default;

std::string PatroniCluster::CreateDatabase(const std::string& name) {
  SqlConnection(AwaitMember("/primary").url()).Execute("CREATE DATABASE " + name);
  const std::string hosts = absl::StrJoin(members_, ",", [](std::string* text, const auto& member) {
    absl::StrAppend(text, "127.0.0.1:", member->postgres_port());
  });
  return absl::StrCat("postgresql://postgres:", kPassword, "@", hosts, "/", name,
                      "?target_session_attrs=read-write");
}

std::vector<HaProxy::Candidate> PatroniCluster::candidates() const {
  std::vector<HaProxy::Candidate> all;
  for (const auto& member : members_) {
    all.push_back(
        {.postgres_port = member->postgres_port(), .patroni_port = member->patroni_port()});
  }
  return all;
}

void PatroniCluster::Switchover() {
  AwaitWhole();
  const Member& from = AwaitMember("/primary");
  const Member& to = AwaitMember("/synchronous");
  const HttpAnswer answer =
      AskHttp(from.patroni_port(), "POST", "/switchover",
              absl::Substitute(R"({"leader": "$0", "candidate": "$1"})", from.name(), to.name()),
              kPatience);
  if (answer.status != 200) throw std::runtime_error("Patroni does not switch: " + answer.body);
}

void PatroniCluster::Kill(const std::string& path) {
  killed_ = &AwaitMember(path);
  killed_->Kill();
}

std::vector<FrozenProcess> PatroniCluster::FreezeReplication() {
  SqlConnection primary(AwaitMember("/primary").url());
  std::vector<FrozenProcess> frozen;
  for (const SqlConnection::Row& row : primary.Query("SELECT pid FROM pg_stat_replication")) {
    frozen.emplace_back(static_cast<pid_t>(std::stol(*row[0])));
  }
  return frozen;
}

int PatroniCluster::EndWaitingCommits() {
  SqlConnection primary(AwaitMember("/primary").url());
  return std::stoi(
      primary.QueryValue("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                         "WHERE wait_event = 'SyncRep'"));
}

void PatroniCluster::StartKilled() { std::exchange(killed_, nullptr)->Start(); }

void PatroniCluster::AwaitWhole() {
  Await("two standbys that stream, one of them synchronous", [this] {
    const Member* const primary = FindMember("/primary");
    if (primary == nullptr || FindMember("/synchronous") == nullptr) return false;
    try {
      return SqlConnection(primary->url())
                 .QueryValue(
                     "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") ==
             std::to_string(kMembers - 1);
    } catch (const std::runtime_error&) {  // it is one no more
      return false;
    }
  });
}

PatroniCluster::Member* PatroniCluster::FindMember(const std::string& path) const {
  for (const auto& member : members_) {
    if (member->Is(path)) return member.get();
  }
  return nullptr;
}

PatroniCluster::Member& PatroniCluster::AwaitMember(const std::string& path) const {
  Member* member = nullptr;
  Await("member that is " + path, [&] { return (member = FindMember(path)) != nullptr; });
  return *member;
}

void PatroniCluster::Await(const std::string& what, const std::function<bool()>& condition) const {
  if (Eventually(condition, kPatience)) return;
  std::string text = "the cluster has no " + what + "; the logs:\n";
  for (const auto& member : members_) absl::StrAppend(&text, member->log(), "\n");
  throw std::runtime_error(text);
}

}  // namespace auth::testing
