#include "host/cli/terminal.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

#include "host/base/fd.h"

extern char** environ;

namespace novacron::host::cli {
namespace {

constexpr size_t kMaxSecretBytes = 4096;

/// A terminal's settings, put back at the end.
class TerminalMode {
 public:
  explicit TerminalMode(int fd) : fd_(fd), valid_(::tcgetattr(fd, &before_) == 0) {}
  ~TerminalMode() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  void raw() {
    termios mode = before_;
    ::cfmakeraw(&mode);
    set(mode);
  }
  void hide_input() {
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    mode.c_lflag |= ECHONL;
    set(mode);
  }

 private:
  void set(const termios& mode) { changed_ = valid_ && ::tcsetattr(fd_, TCSAFLUSH, &mode) == 0; }

  const int fd_;
  termios before_{};
  const bool valid_;
  bool changed_ = false;
};

Flow forward(std::string& input) {
  const size_t escape = input.find(kEscape);
  if (escape == std::string::npos) return Flow::kContinue;
  input.resize(escape);
  return Flow::kStop;
}

}  // namespace

bool TextFinder::see(std::string_view piece) {
  if (found_ || text_.empty()) return found_;
  tail_ += piece;
  found_ = tail_.find(text_) != std::string::npos;
  if (tail_.size() >= text_.size()) tail_.erase(0, tail_.size() - text_.size() + 1);
  return found_;
}

Result<ExitCode> run_terminal(Session& session, const std::string& target, const std::string& until) {
  Environment& environment = session.environment();
  Client& client = *TRY(session.client());
  TextFinder finder(until);
  bool found = false;
  bool escaped = false;
  TerminalSession terminal{.target = target, .timeout_ms = session.globals().timeout_ms.value_or(0)};
  terminal.on_output = [&](std::string_view output) {
    environment.out << output << std::flush;
    found = finder.see(output);
    return found ? Flow::kStop : Flow::kContinue;
  };
  terminal.on_input = [&](std::string& input) {
    const Flow flow = forward(input);
    escaped = flow == Flow::kStop;
    return flow;
  };
  if (environment.in_is_terminal) terminal.input_fd = STDIN_FILENO;
  Status ended;
  {
    TerminalMode mode(STDIN_FILENO);
    if (environment.in_is_terminal) {
      environment.err << "Connected. Ctrl-] ends the session.\r\n" << std::flush;
      mode.raw();
    }
    ended = client.terminal(std::move(terminal));
  }
  if (environment.in_is_terminal) environment.err << "\n" << std::flush;
  if (!ended.ok()) return ended.error();
  if (until.empty() || found) return ExitCode::kOk;
  if (escaped) return Error{Code::kCancelled, "ended before \"" + until + "\" was seen", "cli.cancelled"};
  return Error{Code::kUnavailable, "the session ended before \"" + until + "\" was seen", "cli.not-seen"};
}

Result<std::string> read_secret_from_terminal(const std::string& prompt) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return errno_error("open the terminal", errno);
  TerminalMode mode(terminal.get());
  mode.hide_input();
  if (::write(terminal.get(), prompt.data(), prompt.size()) < 0) return errno_error("write to the terminal", errno);
  std::string secret;
  char c = 0;
  while (secret.size() < kMaxSecretBytes && ::read(terminal.get(), &c, 1) == 1 && c != '\n') secret += c;
  return secret;
}

Status edit_in_editor(const std::string& path) {
  const char* visual = std::getenv("VISUAL");
  const char* editor = visual != nullptr ? visual : std::getenv("EDITOR");
  std::string command = std::string(editor != nullptr ? editor : "vi") + " \"$1\"";
  std::string shell = "sh", flag = "-c", name = "novacron-edit", file = path;
  char* arguments[] = {shell.data(), flag.data(), command.data(), name.data(), file.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, environ);
  if (failed != 0) return errno_error("start the editor", failed);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno_error("wait for the editor", errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error{Code::kCancelled, "the editor failed: nothing was changed", "cli.cancelled"};
}

}  // namespace novacron::host::cli
