#pragma once

#include <chrono>

#include "tests/support/server/mixed_load.h"
#include "tests/support/tcp_gate.h"

namespace auth::testing {

// A time in which the database did not serve.
struct Outage {
  MixedLoad::TimePoint began;
  // The database accepts connections again.
  MixedLoad::TimePoint over;
};

// Waits until the first call of `load` ends OK after `outage`, and prints and checks what every
// outage must keep to while callers wait: never more than five connects in a second and four a second on
// average, and the return is noticed within 0.6 s. `gate` stands before the database.
// Reports what does not hold as failures of the test.
void ExpectOutageKeepsPace(const Outage& outage, const MixedLoad& load, const TcpGate& gate);

}  // namespace auth::testing
