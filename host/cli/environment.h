// What surrounds one run of the CLI, so that a test can give all of it.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/cli/transport.h"

namespace novacron::host::cli {

struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  size_t width = 80;                                      ///< columns of the terminal
  std::function<std::string(const char* name)> variable;  ///< "" if it is not set
  std::function<void(uint64_t ms)> sleep_ms;
  std::function<std::unique_ptr<Transport>(Endpoint, TlsOptions)> connect = make_transport;
  std::function<Result<std::string>(const std::string& prompt)> read_secret;  ///< from the terminal, not shown
  std::function<Status(const std::string& path)> edit_file;                   ///< in the user's editor
  /// Runs a program of this installation with the same streams: its exit status.
  std::function<Result<int>(const std::string& program, const std::vector<std::string>& arguments)> run_program;
  const Clock& clock = system_clock();

  /// Colours are wanted on standard output.
  bool colors() const { return out_is_terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb"; }
};

/// The folder for "config" or "cache" by the XDG rules: $XDG_CONFIG_HOME/novacron, else ~/.config/novacron.
std::string config_folder(const Environment& environment);
std::string cache_folder(const Environment& environment);

}  // namespace novacron::host::cli
