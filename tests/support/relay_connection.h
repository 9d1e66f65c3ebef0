#pragma once

#include <cstdint>
#include <memory>
#include <random>

#include "tests/support/pipe.h"
#include "tests/support/tap.h"
#include "tests/support/tcp_gate.h"

namespace auth::testing {

// One connection through a TcpGate: the client's socket, the server's, and a Pipe in each
// direction. Owns the sockets, which are non-blocking and watched edge-triggered by somebody else.
// Not thread-safe; never blocks.
class RelayConnection {
 public:
  using TimePoint = TcpGate::TimePoint;

  // Silent until `start`. `tap` may be null; `weather` and `random` must outlive it.
  RelayConnection(int client, TimePoint start, std::unique_ptr<Tap> tap,
                  const TcpGate::Weather* weather, std::mt19937_64* random);
  ~RelayConnection();
  RelayConnection(const RelayConnection&) = delete;
  RelayConnection& operator=(const RelayConnection&) = delete;

  // It is time to connect to the server.
  bool NeedsServer(TimePoint now) const { return server_.fd < 0 && !over() && now >= start_; }
  void SetServer(int server) { server_.fd = server; }

  void OnClientEvents(uint32_t events) { client_.OnEvents(events); }
  void OnServerEvents(uint32_t events) { server_.OnEvents(events); }

  // Passes on what can be passed on, unless it is held; when to call it again without any event.
  TimePoint Pump(TimePoint now);
  void Hold(bool held) { held_ = held; }
  bool held() const { return held_; }

  // Ends it, by FIN or by RST.
  void Close();
  void Reset();
  bool over() const { return client_.fd < 0; }

  int client_port() const;

 private:
  struct Socket {
    void OnEvents(uint32_t events);

    int fd = -1;
    bool readable = false;
    bool writable = false;
  };
  // One direction.
  struct Way {
    Tap::Direction direction;
    Socket* from;
    Socket* to;
    Pipe pipe;
    bool finished = false;  // FIN was sent on
  };

  void Receive(Way& way, TimePoint now);
  void Send(Way& way, TimePoint now);
  void PassEndOn(Way& way, TimePoint now);

  const TimePoint start_;
  const std::unique_ptr<Tap> tap_;
  Socket client_;
  Socket server_;
  Way to_server_;
  Way to_client_;
  bool held_ = false;
};

}  // namespace auth::testing
