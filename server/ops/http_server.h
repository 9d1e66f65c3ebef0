#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/clock.h"
#include "server/ops/http_message.h"

namespace auth::ops {

// An HTTP/1.1 server on libmicrohttpd that hands whole requests to one handler, and takes the
// answer then or later.
//
// Bounded in every direction: one event thread however many connections there are, connections in
// all and from one address, the memory of each, the size of a body, and how slow a client may be.
// Plain HTTP: bind it to loopback or to a network that encrypts.
//
// Bytes that are no HTTP are answered with 400 or nothing, other methods than those of the options
// with 405, bodies that are too large with 413.
//
// The destructor accepts no more connections, waits until the handler has answered every request
// that it was given and, for half a second, until the answers are sent; closes all connections and
// joins its threads.
//
//   auto server = HttpServer::Start(options, [](HttpRequest request, HttpServer::Answer answer) {
//     answer({.body = "hello\n", .content_type = "text/plain"});
//   }, &clock);
class HttpServer {
 public:
  // Sends the answer: exactly once, on any thread; does nothing if the client has gone.
  using Answer = std::function<void(HttpResponse response)>;
  // Called on the server's event thread: must not block, and must not throw.
  using Handler = std::function<void(HttpRequest request, Answer answer)>;

  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  // 0 picks a free one
    std::vector<std::string> methods = {"GET", "HEAD"};
    std::size_t max_body_bytes = 0;  // 0: no request may have a body
    // Makes the answer to what never gets to the handler: a method (405) or a body (413) that is
    // not taken. The request's body is not all there. Unset: {"error": message}.
    std::function<HttpResponse(const HttpRequest&, int status, std::string_view message)> refusal =
        nullptr;
    // Probes must get through beside hundreds of silent connections, from the same machine too.
    // Neither is ever more than a quarter of the descriptors that the process may open: a flood of
    // connections here must not keep others out of the process.
    int max_connections = 1024;
    int max_connections_per_address = 960;
    // A connection that sends or takes nothing for so long, with a request under way or before its
    // first, is closed.
    std::chrono::seconds idle_timeout{5};
    // And one that has had an answer, if the next request does not come in so long. Where a proxy
    // keeps connections it must be longer than the proxy's own limit, or some requests meet the
    // close, and a proxy does not repeat a POST.
    std::chrono::seconds keep_alive_timeout{5};
    // A request must have come so long after its beginning, and its answer be taken in so long,
    // whatever trickles.
    std::chrono::seconds exchange_timeout{15};
  };

  // Binds and serves at once. UNAVAILABLE, naming the address, if it cannot be bound. `clock` and
  // what the handler uses must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, Handler handler,
                                                           const Clock* clock);
  ~HttpServer();

  std::uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace auth::ops
