#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/tap.h"

namespace auth::testing {

// A relay between a client and a server, through which a test breaks the network: what a cable, a
// firewall or a balancer can do to TCP. Listens on loopback, on a port of its own that stays its
// own while it refuses. Knows nothing of what passes; a Tap may.
//
// Thread-safe; one thread of its own (epoll). Settings take effect at once, for open and for new
// connections. A target that refuses makes new connections end by RST. Destroying it closes
// everything. Throws std::runtime_error if there is no port or descriptor left.
//
//   TcpGate gate(postgres.port());
//   const std::string url = gate.Through(postgres_url);   // the URL with the gate's port
//   gate.Hold();                       // a black hole: sockets stay open, nothing passes
//   gate.Resume();
class TcpGate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // How bytes pass. The default does nothing to them.
  struct Weather {
    // Each piece that arrives is passed on after latency ± jitter, in order.
    std::chrono::milliseconds latency{0};
    std::chrono::milliseconds jitter{0};
    // 0: as fast as it comes. In each direction of each connection.
    int64_t bytes_per_second = 0;
    // The most bytes passed on in one write; 0: no limit.
    int slice = 0;
    uint64_t seed = 1;
  };

  struct Options {
    // A bound TCP socket to listen on, e.g. one of a network namespace; the gate closes it.
    int listener = -1;
    // Makes the tap of each new connection.
    std::function<std::unique_ptr<Tap>()> tap;
  };

  explicit TcpGate(int target_port);
  // `target_port` is on loopback.
  TcpGate(int target_port, Options options);
  ~TcpGate();

  int port() const;
  // `url` with the gate's address in the place of its own.
  std::string Through(const std::string& url) const;

  // Where connections made from now on lead: a switch, as after a failover.
  void SetTarget(int port);
  void SetWeather(const Weather& weather);

  // Nothing passes in either direction, and nobody is told: a half-open network. New connections
  // are accepted and stay silent. Resume lets everything pass that has arrived.
  void Hold();
  // The same for the connections that are open now: a firewall that has forgotten them. Those made
  // later pass.
  void HoldOpen();
  void Resume();

  // New connections are refused (the port is closed), or welcome again.
  void Refuse();
  void Accept();
  // New connections are silent for this long, then pass: a database that wakes up.
  void DelayNewConnections(std::chrono::milliseconds delay);

  // Ends all open connections, by FIN or by RST; how many there were.
  int Close();
  int Reset();

  // When each connection was accepted, also those that led nowhere.
  std::vector<TimePoint> accepted() const;
  // Those of [from, to).
  std::vector<TimePoint> AcceptedWithin(TimePoint from, TimePoint to) const;
  int open() const;
  // The clients' ports of the open connections.
  std::vector<int> client_ports() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// The most of `moments`, which are in order, that lie within any `window`.
int MostWithin(const std::vector<TcpGate::TimePoint>& moments, std::chrono::milliseconds window);

}  // namespace auth::testing
