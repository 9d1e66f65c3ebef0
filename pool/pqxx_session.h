#pragma once

#include <libpq-fe.h>

#include <pqxx/pqxx>
#include <utility>

#include "pool/query.h"

// Everything that differs between libpqxx 6.4 and 7.10. Its functions throw libpqxx's exceptions.
namespace auth::pool {

#if PQXX_VERSION_MAJOR < 7

// Hands an open connection to libpqxx, which knows policies that connect.
class AdoptPolicy final : public pqxx::connectionpolicy {
 public:
  explicit AdoptPolicy(PGconn* adopted) : connectionpolicy(std::string()), adopted_(adopted) {}

  handle do_startconnect(handle current) override {
    return current != nullptr ? current : std::exchange(adopted_, nullptr);
  }
  handle do_completeconnect(handle current) override { return current; }

 private:
  PGconn* adopted_;
};

class PqxxSession : public pqxx::connection_base {
 public:
  explicit PqxxSession(PGconn* adopted) : connection_base(policy_), policy_(adopted) {
    init();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    // Otherwise a use after a loss silently connects anew, blocking, in the caller's thread.
    inhibit_reactivation(true);
#pragma GCC diagnostic pop
  }
  ~PqxxSession() { close(); }

 private:
  AdoptPolicy policy_;
};

#else

class PqxxSession {
 public:
  explicit PqxxSession(PGconn* adopted)
      : connection(pqxx::connection::seize_raw_connection(adopted)) {}

  pqxx::connection connection;
};

#endif

void Prepare(PqxxSession& session, const Statement& statement);
pqxx::result ExecutePrepared(PqxxSession& session, const char* name, const Params& params);
pqxx::result ExecuteUnnamed(PqxxSession& session, const char* sql, const Params& params);

}  // namespace auth::pool
