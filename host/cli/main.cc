// novacron, the CLI.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "host/cli/app.h"
#include "host/cli/terminal.h"
#include "host/cli/tool.h"

int main(int argc, char** argv) {
  using namespace novacron::host::cli;
  std::signal(SIGPIPE, SIG_DFL);  // `novacron … | head` ends quietly
  winsize size{};
  const bool sized = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  Environment environment{.in = std::cin,
                          .out = std::cout,
                          .err = std::cerr,
                          .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
                          .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                          .width = sized ? size.ws_col : 100u,
                          .variable =
                              [](const char* name) {
                                const char* value = std::getenv(name);
                                return std::string(value == nullptr ? "" : value);
                              },
                          .sleep_ms = [](uint64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); },
                          .read_secret = read_secret_from_terminal,
                          .edit_file = edit_in_editor,
                          .run_program = run_program_beside};
  return static_cast<int>(run(environment, std::vector<std::string>(argv + 1, argv + argc)));
}
