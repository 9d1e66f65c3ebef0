#include "tests/support/relay_connection.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace auth::testing {
namespace {

// A socket that is closed with unread bytes sends RST; without them, FIN.
void CloseByFin(int fd) {
  std::array<char, 4096> unread;
  while (recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
  }
  close(fd);
}

// After a failed call: the socket is only not ready.
bool NotReady() { return errno == EAGAIN || errno == ENOTCONN; }

void CloseByRst(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

}  // namespace

void RelayConnection::Socket::OnEvents(uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
  if ((events & EPOLLOUT) != 0) writable = true;
}

RelayConnection::RelayConnection(int client, TimePoint start, std::unique_ptr<Tap> tap,
                                 const TcpGate::Weather* weather, std::mt19937_64* random)
    : start_(start),
      tap_(std::move(tap)),
      client_{.fd = client},
      to_server_{Tap::Direction::kToServer, &client_, &server_, Pipe(weather, random)},
      to_client_{Tap::Direction::kToClient, &server_, &client_, Pipe(weather, random)} {}

RelayConnection::~RelayConnection() { Close(); }

RelayConnection::TimePoint RelayConnection::Pump(TimePoint now) {
  if (over() || held_) return TimePoint::max();
  // The server's last words first: a write to it that fails resets both.
  for (Way* way : {&to_client_, &to_server_}) {
    Receive(*way, now);
    if (server_.fd >= 0) Send(*way, now);
    if (over()) return TimePoint::max();
  }
  if (server_.fd < 0) {
    if (to_server_.pipe.closed()) Close();  // the client did not wait for the start
    return start_;
  }
  TimePoint next = TimePoint::max();
  for (const Way* way : {&to_server_, &to_client_}) {
    if (way->from->readable && !way->pipe.full() && !way->pipe.closed()) return now;
    if (way->to->writable && !way->finished) next = std::min(next, way->pipe.NextDue());
  }
  return next;
}

void RelayConnection::Receive(Way& way, TimePoint now) {
  std::array<char, 16'384> buffer;
  while (way.from->readable && !way.pipe.full() && !way.pipe.closed()) {
    const ssize_t count = recv(way.from->fd, buffer.data(), buffer.size(), 0);
    if (count < 0) {
      if (!NotReady()) way.pipe.Close(Pipe::End::kReset, now);
      way.from->readable = false;
      return;
    }
    if (count == 0) {
      way.pipe.Close(Pipe::End::kFinished, now);
      return;
    }
    const std::string_view arrived(buffer.data(), static_cast<size_t>(count));
    std::string passing;
    const bool goes_on = tap_ == nullptr || tap_->OnBytes(way.direction, arrived, &passing);
    way.pipe.Push(tap_ == nullptr ? std::string(arrived) : std::move(passing), now);
    if (!goes_on) way.pipe.Close(Pipe::End::kCut, now);
  }
}

void RelayConnection::Send(Way& way, TimePoint now) {
  bool more = true;
  while (way.to->writable && more) {
    const std::string_view due = way.pipe.Due(now);
    if (due.empty()) break;
    const ssize_t count = send(way.to->fd, due.data(), due.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (!NotReady()) return Reset();
      way.to->writable = false;
      return;
    }
    way.pipe.Take(static_cast<size_t>(count), now);
    // Slices sent without a pause would arrive as one.
    more = !way.pipe.sliced();
  }
  PassEndOn(way, now);
}

void RelayConnection::PassEndOn(Way& way, TimePoint now) {
  switch (way.pipe.EndDue(now)) {
    case Pipe::End::kNone:
      return;
    case Pipe::End::kFinished:
      if (!std::exchange(way.finished, true)) shutdown(way.to->fd, SHUT_WR);
      if (to_server_.finished && to_client_.finished) Close();
      return;
    case Pipe::End::kCut:
      return Close();
    case Pipe::End::kReset:
      return Reset();
  }
}

void RelayConnection::Close() {
  for (Socket* socket : {&client_, &server_}) {
    if (socket->fd >= 0) CloseByFin(std::exchange(socket->fd, -1));
  }
}

void RelayConnection::Reset() {
  for (Socket* socket : {&client_, &server_}) {
    if (socket->fd >= 0) CloseByRst(std::exchange(socket->fd, -1));
  }
}

int RelayConnection::client_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getpeername(client_.fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace auth::testing
