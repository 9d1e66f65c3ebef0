#pragma once

#include <string>
#include <string_view>

namespace auth::testing {

// Looks into one connection of a TcpGate and decides what passes. Only the gate's thread calls it,
// so it must neither block nor call the gate.
class Tap {
 public:
  enum class Direction { kToServer, kToClient };

  virtual ~Tap() = default;

  // `arrived` came from one side. Appends to `passing` what goes on to the other side now; what it
  // does not append it has kept or dropped. Whether the connection goes on; if not, both sides find
  // it closed behind what is passing.
  virtual bool OnBytes(Direction direction, std::string_view arrived, std::string* passing) = 0;
};

}  // namespace auth::testing
