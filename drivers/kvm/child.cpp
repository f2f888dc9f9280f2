#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <utility>

#include "novacron/fd.h"
#include "text.h"

namespace novacron::kvm {
namespace {

constexpr size_t kOutputMaxBytes = 8192;
constexpr const char* kLimiter = "/usr/bin/prlimit";

using Moment = std::chrono::steady_clock::time_point;

int left_ms(Moment deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000'000));
}

class FileActions {
 public:
  explicit FileActions(int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<std::string> limited(const std::vector<std::string>& command, const ChildLimits& limits) {
  std::vector<std::string> words = {kLimiter, "--core=0", "--cpu=" + std::to_string(limits.cpu_s),
                                    "--as=" + std::to_string(limits.memory_bytes), "--"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

Result<pid_t> spawn(std::vector<std::string> words, int output) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale = "LC_ALL=C";
  char* const environment[] = {path.data(), locale.data(), nullptr};
  pid_t pid = 0;
  const int failure =
      ::posix_spawn(&pid, kLimiter, FileActions(output).get(), Attributes().get(), arguments.data(), environment);
  if (failure != 0) return errno_error(std::string("start ") + kLimiter, failure);
  return pid;
}

/// Reads what it says until it ends its output or the deadline comes; keeps the last bytes.
std::string read_output(int fd, Moment deadline) {
  std::string output;
  char chunk[4096];
  while (true) {
    pollfd poll_fd = {fd, POLLIN, 0};
    const int ready = ::poll(&poll_fd, 1, left_ms(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return output;
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return output;
    output.append(chunk, static_cast<size_t>(got));
    if (output.size() > kOutputMaxBytes) output.erase(0, output.size() - kOutputMaxBytes);
  }
}

/// Waits for its end, and kills its process group at the deadline. True if it ended by itself.
bool wait_or_kill(pid_t pid, Moment deadline, siginfo_t& info) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd poll_fd = {process.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&poll_fd, 1, left_ms(deadline));
  } while (ready < 0 && errno == EINTR);
  const bool ended = ready > 0;
  if (!ended) ::kill(-pid, SIGKILL);
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return ended;
}

}  // namespace

Result<ChildResult> run_child(const std::vector<std::string>& command, const ChildLimits& limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const Moment deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits.timeout_ms);
  const pid_t pid = NC_TRY(spawn(limited(command, limits), writer.get()));
  writer.reset();
  ChildResult result;
  result.output = read_output(reader.get(), deadline);
  siginfo_t info = {};
  if (!wait_or_kill(pid, deadline, info)) {
    return Error{.code = Code::kDeadlineExceeded,
                 .message = command[0] + " did not end within " + std::to_string(limits.timeout_ms) + " ms"};
  }
  result.exit_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return result;
}

Status run_child_to_success(const std::vector<std::string>& command, const ChildLimits& limits) {
  const ChildResult result = NC_TRY(run_child(command, limits));
  if (result.exit_status == 0) return {};
  return Error{.code = Code::kInternal,
               .message = command[0] + " failed with status " + std::to_string(result.exit_status) + ": " +
                          last_lines(result.output, 5, 1024)};
}

}  // namespace novacron::kvm
