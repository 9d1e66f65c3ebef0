#pragma once

#include <chrono>
#include <functional>

#include "tests/support/server/mixed_load.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/test_postgres.h"

namespace auth::testing {

// A time in which the database did not serve.
struct Outage {
  MixedLoad::TimePoint began;
  // The database accepts connections again.
  MixedLoad::TimePoint over;
};

// Waits until the first call of `load` ends OK after `outage`, and prints and checks what every
// outage must keep to while callers wait: never more than five connects in a second and four a
// second on average, and the return is noticed within 0.6 s. `gate` stands before the database.
// Reports what does not hold as failures of the test.
void ExpectOutageKeepsPace(const Outage& outage, const MixedLoad& load, const TcpGate& gate);

// A whole test: `outages` one after the other, each made by `inflict`, which returns when the
// database is back, under callers who do not slow down. No call may fail, and each outage must keep
// its pace.
void ExpectNoCallFailsThrough(
    int outages, const std::function<void(TestPostgres* postgres, int round)>& inflict);

}  // namespace auth::testing
