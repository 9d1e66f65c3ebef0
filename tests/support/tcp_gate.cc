#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "pool/mutex.h"
#include "server/dev/loopback_port.h"
#include "tests/support/postgres_url.h"
#include "tests/support/relay_connection.h"

namespace auth::testing {
namespace {

using std::chrono::milliseconds;
using TimePoint = TcpGate::TimePoint;

// What epoll tells of: one of these, or a connection's number times two, plus one for the server's
// socket.
constexpr uint64_t kWakeUp = 0;
constexpr uint64_t kListener = 1;
constexpr uint64_t kFirstConnection = 1;

TimePoint Now() { return std::chrono::steady_clock::now(); }

int Checked(int result, const char* call) {
  if (result < 0) throw std::runtime_error(absl::StrCat("TcpGate: ", call));
  return result;
}

int NewSocket() {
  return Checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Bound, so that the port is ours also while we do not listen; not a port of the kernel's choice,
// which is given up when listening ends.
int BindLoopback() {
  constexpr int kAttempts = 20;
  const int fd = NewSocket();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const absl::StatusOr<int> port = dev::ChooseLoopbackPort();
    if (!port.ok()) break;
    const sockaddr_in address = Loopback(*port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  }
  close(fd);
  throw std::runtime_error("TcpGate: no free port");
}

// Listens although connections of an earlier time are open on the port; -1 if it cannot.
int Listen(int fd) {
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  return listen(fd, SOMAXCONN);
}

// Ends listening. The port stays ours: without SO_REUSEADDR nobody else can bind it.
void StopListening(int fd) {
  const int no = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &no, sizeof no);
  shutdown(fd, SHUT_RD);
}

// -1 if it is refused at once.
int ConnectLoopback(int port) {
  const int fd = NewSocket();
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EINPROGRESS) {
    return fd;
  }
  close(fd);
  return -1;
}

void SendAtOnce(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int TimeoutUntil(TimePoint moment) {
  if (moment == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(moment - Now()).count();
  return static_cast<int>(std::clamp<milliseconds::rep>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

struct TcpGate::State {
  State(int port, Options options);
  ~State();

  void Run();
  // Makes the thread look at what was changed.
  void WakeUp() const { eventfd_write(wake_up, 1); }
  void Watch(int fd, uint32_t events, uint64_t what) const;
  void Handle(const epoll_event& event, TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void AcceptAll(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void HoldOpen(bool held) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // When to look again.
  TimePoint PumpAll(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  template <typename End>
  int EndAll(End end);

  const int epoll;
  const int wake_up;
  const int listener;
  const std::function<std::unique_ptr<Tap>()> new_tap;
  sockaddr_in address{};

  Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool listening ABSL_GUARDED_BY(mutex) = true;
  bool hold_new ABSL_GUARDED_BY(mutex) = false;
  int target ABSL_GUARDED_BY(mutex);
  milliseconds delay ABSL_GUARDED_BY(mutex){0};
  Weather weather ABSL_GUARDED_BY(mutex);
  std::mt19937_64 random ABSL_GUARDED_BY(mutex);
  std::vector<TimePoint> accepted ABSL_GUARDED_BY(mutex);
  uint64_t next_connection ABSL_GUARDED_BY(mutex) = kFirstConnection;
  std::map<uint64_t, RelayConnection> connections ABSL_GUARDED_BY(mutex);

  std::thread thread;
};

TcpGate::State::State(int port, Options options)
    : epoll(Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_up(Checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      listener(options.listener >= 0 ? options.listener : BindLoopback()),
      new_tap(std::move(options.tap)),
      target(port) {
  Checked(Listen(listener), "listen");
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  Watch(wake_up, EPOLLIN, kWakeUp);
  Watch(listener, EPOLLIN, kListener);
  thread = std::thread([this] { Run(); });
}

TcpGate::State::~State() {
  {
    MutexLock lock(&mutex);
    stopping = true;
  }
  WakeUp();
  thread.join();
  for (const int fd : {listener, wake_up, epoll}) close(fd);
}

void TcpGate::State::Watch(int fd, uint32_t events, uint64_t what) const {
  epoll_event event{.events = events, .data = {.u64 = what}};
  Checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void TcpGate::State::Run() {
  std::array<epoll_event, 64> events;
  TimePoint next = TimePoint::max();
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), TimeoutUntil(next));
    const TimePoint now = Now();
    MutexLock lock(&mutex);
    if (stopping) return;
    for (int i = 0; i < count; ++i) Handle(events[static_cast<size_t>(i)], now);
    next = PumpAll(now);
  }
}

void TcpGate::State::Handle(const epoll_event& event, TimePoint now) {
  const uint64_t what = event.data.u64;
  if (what == kWakeUp) {
    eventfd_t ignored;
    eventfd_read(wake_up, &ignored);
    return;
  }
  if (what == kListener) return AcceptAll(now);
  const auto found = connections.find(what / 2);
  if (found == connections.end()) return;  // it has just been ended
  if (what % 2 == 0) {
    found->second.OnClientEvents(event.events);
  } else {
    found->second.OnServerEvents(event.events);
  }
}

void TcpGate::State::AcceptAll(TimePoint now) {
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    accepted.push_back(now);
    SendAtOnce(fd);
    const uint64_t number = next_connection++;
    RelayConnection& connection =
        connections
            .try_emplace(number, fd, now + delay, new_tap ? new_tap() : nullptr, &weather, &random)
            .first->second;
    connection.Hold(hold_new);
    Watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, number * 2);
  }
}

TimePoint TcpGate::State::PumpAll(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (auto& [number, connection] : connections) {
    if (connection.NeedsServer(now) && !connection.held()) {
      const int server = ConnectLoopback(target);
      if (server < 0) {
        connection.Reset();
        continue;
      }
      SendAtOnce(server);
      connection.SetServer(server);
      Watch(server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, number * 2 + 1);
    }
    next = std::min(next, connection.Pump(now));
  }
  std::erase_if(connections, [](const auto& entry) { return entry.second.over(); });
  return next;
}

void TcpGate::State::HoldOpen(bool held) {
  for (auto& [number, connection] : connections) connection.Hold(held);
}

template <typename End>
int TcpGate::State::EndAll(End end) {
  MutexLock lock(&mutex);
  const int count = static_cast<int>(connections.size());
  for (auto& [number, connection] : connections) end(connection);
  connections.clear();
  return count;
}

TcpGate::TcpGate(int target_port) : TcpGate(target_port, Options{}) {}

TcpGate::TcpGate(int target_port, Options options)
    : state_(std::make_unique<State>(target_port, std::move(options))) {}

TcpGate::~TcpGate() = default;

int TcpGate::port() const { return ntohs(state_->address.sin_port); }

std::string TcpGate::Through(const std::string& url) const {
  std::array<char, INET_ADDRSTRLEN> address;
  inet_ntop(AF_INET, &state_->address.sin_addr, address.data(), address.size());
  return WithAddress(url, absl::StrCat(address.data(), ":", port()));
}

void TcpGate::SetTarget(int port) {
  MutexLock lock(&state_->mutex);
  state_->target = port;
}

void TcpGate::SetWeather(const Weather& weather) {
  MutexLock lock(&state_->mutex);
  state_->weather = weather;
  state_->random.seed(weather.seed);
  state_->WakeUp();
}

void TcpGate::Hold() {
  MutexLock lock(&state_->mutex);
  state_->hold_new = true;
  state_->HoldOpen(true);
}

void TcpGate::HoldOpen() {
  MutexLock lock(&state_->mutex);
  state_->HoldOpen(true);
}

void TcpGate::Resume() {
  MutexLock lock(&state_->mutex);
  state_->hold_new = false;
  state_->HoldOpen(false);
  state_->WakeUp();
}

void TcpGate::Refuse() {
  MutexLock lock(&state_->mutex);
  if (!std::exchange(state_->listening, false)) return;
  epoll_ctl(state_->epoll, EPOLL_CTL_DEL, state_->listener, nullptr);
  StopListening(state_->listener);
}

void TcpGate::Accept() {
  MutexLock lock(&state_->mutex);
  if (std::exchange(state_->listening, true)) return;
  Checked(Listen(state_->listener), "listen");
  state_->Watch(state_->listener, EPOLLIN, kListener);
}

void TcpGate::DelayNewConnections(milliseconds delay) {
  MutexLock lock(&state_->mutex);
  state_->delay = delay;
}

int TcpGate::Close() {
  return state_->EndAll([](RelayConnection& connection) { connection.Close(); });
}

int TcpGate::Reset() {
  return state_->EndAll([](RelayConnection& connection) { connection.Reset(); });
}

std::vector<TimePoint> TcpGate::accepted() const {
  MutexLock lock(&state_->mutex);
  return state_->accepted;
}

std::vector<TcpGate::TimePoint> TcpGate::AcceptedWithin(TimePoint from, TimePoint to) const {
  std::vector<TimePoint> moments = accepted();
  std::erase_if(moments, [&](TimePoint moment) { return moment < from || moment >= to; });
  return moments;
}

int TcpGate::open() const {
  MutexLock lock(&state_->mutex);
  return static_cast<int>(state_->connections.size());
}

std::vector<int> TcpGate::client_ports() const {
  MutexLock lock(&state_->mutex);
  std::vector<int> ports;
  for (const auto& [number, connection] : state_->connections) {
    ports.push_back(connection.client_port());
  }
  return ports;
}

int MostWithin(const std::vector<TimePoint>& moments, milliseconds window) {
  int most = 0;
  auto first = moments.begin();
  for (auto last = moments.begin(); last != moments.end(); ++last) {
    while (*last - *first >= window) ++first;
    most = std::max(most, static_cast<int>(last - first) + 1);
  }
  return most;
}

}  // namespace auth::testing
