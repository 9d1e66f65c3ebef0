#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace auth::testing {

// A program that has ended by itself or was killed after three minutes.
struct Ended {
  int exit_code = -1;  // 128 + n after signal n
  std::string out;     // stdout; on a terminal all that the user saw
  std::string err;     // stderr; empty on a terminal
};

struct ChildOptions {
  std::string stdin_text = {};
  // Set on top of this process's own.
  std::map<std::string, std::string> environment = {};
};

// Runs a program without a terminal.
Ended RunProgram(const std::vector<std::string>& arguments, const ChildOptions& options = {});

// A program without a terminal that is still running. Killed by the destructor.
class RunningProgram {
 public:
  explicit RunningProgram(const std::vector<std::string>& arguments,
                          const ChildOptions& options = {});
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  // What it has written until now.
  std::string out() const;
  std::string err() const;
  void Signal(int signal) const;
  // Waits for its end.
  Ended Wait();

 private:
  const TemporaryDirectory directory_;
  pid_t pid_;
};

// What a user at a terminal does when `prompt` has appeared.
struct Typed {
  std::string prompt;
  std::string keys;  // "secret\n"; "\x03" is Ctrl-C
};

// Runs a program on a terminal of its own. `Ended::out` holds what the terminal showed, and so what
// was typed if it was echoed. `echo_at_end` tells whether the terminal echoes after the end.
Ended RunOnTerminal(const std::vector<std::string>& arguments, const std::vector<Typed>& user,
                    bool* echo_at_end = nullptr,
                    const std::map<std::string, std::string>& environment = {});

}  // namespace auth::testing
