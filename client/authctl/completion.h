#pragma once

#include <string>

namespace auth::authctl {

// A script for "bash", "zsh" or "fish" that completes commands, options, file names and the known
// values of arguments. It needs nothing but the shell, and never runs authctl.
std::string CompletionScript(const std::string& shell);

}  // namespace auth::authctl
