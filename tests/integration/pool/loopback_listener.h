#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "pool/mutex.h"

namespace auth::testing {

// A TCP listener on loopback that treats each connection as a test says: a black hole, a server
// that refuses, a pooler. The handler runs in a thread of its own and may block on the socket,
// which is shut down when the listener ends.
class LoopbackListener {
 public:
  using Handler = std::function<void(int socket)>;

  // `port` 0 picks a free one.
  explicit LoopbackListener(Handler handler, const std::string& host = "127.0.0.1", int port = 0);
  ~LoopbackListener();

  int port() const { return port_; }
  // A URL of a server at this port, without TLS.
  std::string url() const;
  int accepted() const;

 private:
  void Accept();

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable Mutex mutex_;
  std::vector<int> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> handlers_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

// Pieces of handlers, in the terms of PostgreSQL's protocol.

// The client's start-up packet; empty if it goes away.
std::string ReadStartup(int socket);
void Send(int socket, const std::string& bytes);
// Blocks until the client goes away.
void AwaitEnd(int socket);
// What a server says that refuses a connection.
std::string FatalError(const std::string& sqlstate, const std::string& message);
// What a server says that lets everybody in.
std::string Welcome();
// Passes `first` and then everything on to a server at `port`, and its answers back.
void Relay(int socket, int port, const std::string& first);

}  // namespace auth::testing
