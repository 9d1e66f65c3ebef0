#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/tcp_gate.h"

namespace auth::testing {

// A TcpGate that understands PostgreSQL's protocol on plain TCP, and cuts a connection at a chosen
// request: before the server gets it, while it works, or within its answer. Requests are known by
// the name of the prepared statement they execute, or by the text of a simple query, e.g. "COMMIT".
//
// Thread-safe. The client must wait for each answer, as libpqxx and libpq do by themselves. What a
// pipeline sends before one Sync is one request, known by the last statement it executes.
//
//   PostgresGate gate(postgres.port());
//   const std::string url = gate.tcp().Through(postgres_url);
//   gate.Add({.request = "register_user", .fault = PostgresGate::Fault::kLoseReply, .times = 3});
class PostgresGate {
 public:
  enum class Fault {
    kCutBefore,  // the server never gets the request
    kCutAfter,   // it gets it, and finds the connection closed while it works, or after
    kLoseReply,  // it answers; a part of the answer gets through, or nothing
  };

  struct Rule {
    std::string request;
    Fault fault;
    // How often at the most.
    int times = 1;
    // Of each request that could be hit.
    double probability = 1;
    // kLoseReply: the bytes that get through, always less than all. Unset: a random number.
    std::optional<int> reply_bytes = 0;
  };

  explicit PostgresGate(int target_port, uint64_t seed = 1);
  ~PostgresGate();

  // The network below, to be broken as well.
  TcpGate& tcp() { return gate_; }

  // The first rule that hits a request counts.
  void Add(const Rule& rule);
  void ClearRules();

  // How many requests of that name have arrived, and what was done to all there were.
  int64_t seen(const std::string& request) const;
  int64_t done(Fault fault) const;

 private:
  class Script;
  class Connection;

  const std::shared_ptr<Script> script_;
  TcpGate gate_;
};

}  // namespace auth::testing
