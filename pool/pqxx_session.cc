#include "pool/pqxx_session.h"

namespace auth::pool {

#if PQXX_VERSION_MAJOR < 7

void Prepare(PqxxSession& session, const Statement& statement) {
  session.prepare(statement.name, statement.sql);
  session.prepare_now(statement.name);  // prepare() alone only remembers it
}

pqxx::result ExecutePrepared(PqxxSession& session, const char* name, const Params& params) {
  return pqxx::nontransaction(session).exec_prepared(
      name, pqxx::prepare::make_dynamic_params(ToPointers(params)));
}

pqxx::result ExecuteUnnamed(PqxxSession& session, const char* sql, const Params& params) {
  return pqxx::nontransaction(session).exec_params(
      sql, pqxx::prepare::make_dynamic_params(ToPointers(params)));
}

#else

namespace {

pqxx::params ToDriver(const Params& params) {
  pqxx::params driver_params;
  driver_params.reserve(params.size());
  for (const Value& value : params) {
    if (value) {
      driver_params.append(*value);
    } else {
      driver_params.append();
    }
  }
  return driver_params;
}

}  // namespace

void Prepare(PqxxSession& session, const Statement& statement) {
  session.connection.prepare(statement.name, statement.sql);
}

pqxx::result ExecutePrepared(PqxxSession& session, const char* name, const Params& params) {
  return pqxx::nontransaction(session.connection).exec(pqxx::prepped{name}, ToDriver(params));
}

pqxx::result ExecuteUnnamed(PqxxSession& session, const char* sql, const Params& params) {
  return pqxx::nontransaction(session.connection).exec(sql, ToDriver(params));
}

#endif

}  // namespace auth::pool
