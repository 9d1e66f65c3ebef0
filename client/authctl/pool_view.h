#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "auth/v1/admin_service.pb.h"
#include "client/authctl/command_line.h"

namespace auth::authctl {

// How `pool watch` shows what it sees. For one thread.
class PoolView {
 public:
  virtual ~PoolView() = default;

  // False if it cannot be shown any more: stdout is closed or full.
  virtual bool Show(const v1::PoolStatus& status) = 0;
  // The server does not answer, and is tried again. `why` is a sentence without its full stop.
  virtual void Lost(const std::string& why) = 0;
  // It answers again.
  virtual void Back() = 0;
  // The window has another size.
  virtual void Resize() {}
  // The program is about to be suspended, and goes on.
  virtual void Suspend() {}
  virtual void Resume() {}
};

// A line, or with --json an object, for each update on `out`; losses on `err`.
std::unique_ptr<PoolView> MakeLineView(const CommandLine& line, std::ostream* out,
                                       std::ostream* err);

// The whole picture, drawn in place on the terminal `fd`. Until its destruction the view owns the
// screen; then the screen is as it was, with the last picture below.
std::unique_ptr<PoolView> MakeScreenView(const CommandLine& line, int fd, bool colours);

}  // namespace auth::authctl
