#include "host/sandbox/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "host/base/file.h"

namespace novacron::host::sandbox {
namespace {

constexpr int kSocketFd = 3;
constexpr int kReportFd = 4;  ///< closed by exec; else the errno of what failed before it
constexpr int kFirstSpareFd = 10;
constexpr size_t kMaxProcBytes = 4'096;

uint64_t clone_flags(const Namespaces& namespaces) {
  uint64_t flags = CLONE_PIDFD;
  if (namespaces.user) flags |= CLONE_NEWUSER;
  if (namespaces.mount) flags |= CLONE_NEWNS;
  if (namespaces.pid) flags |= CLONE_NEWPID;
  if (namespaces.ipc) flags |= CLONE_NEWIPC;
  if (namespaces.uts) flags |= CLONE_NEWUTS;
  if (namespaces.network) flags |= CLONE_NEWNET;
  return flags;
}

/// Of the host's other threads nothing exists in the child, so from here to exec only system calls are made.
struct Exec {
  const char* program;
  char* const* argv;
  char* const* envp;
  int socket;
  int output;
  int report;
  const char* uid_map;
  const char* gid_map;
};

bool write_all(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = ::write(fd, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
  ::close(fd);
  return whole;
}

/// Out of the way of the places that they go to.
int spared(int fd) {
  return ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstSpareFd);
}

bool place_descriptors(const Exec& exec) {
  const int socket = spared(exec.socket);
  const int output = spared(exec.output);
  const int report = spared(exec.report);
  const int null = ::open("/dev/null", O_RDONLY);
  if (socket < 0 || output < 0 || report < 0 || null < 0) return false;
  return ::dup2(null, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 &&
         ::dup2(socket, kSocketFd) == kSocketFd && ::dup3(report, kReportFd, O_CLOEXEC) == kReportFd &&
         ::syscall(SYS_close_range, kReportFd + 1, ~0U, 0) == 0;
}

[[noreturn]] void run_child(const Exec& exec) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the thread that starts it lives as long as it does
  bool ready = place_descriptors(exec);
  if (ready && exec.uid_map) {
    ready = write_all("/proc/self/setgroups", "deny") && write_all("/proc/self/uid_map", exec.uid_map) &&
            write_all("/proc/self/gid_map", exec.gid_map);
  }
  if (ready) ::execve(exec.program, exec.argv, exec.envp);
  const int why = errno;
  (void)!::write(kReportFd, &why, sizeof(why));
  ::_exit(127);
}

/// 0: exec has closed the pipe.
int failure_of(const Fd& report) {
  int why = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &why, sizeof(why));
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof(why)) ? why : 0;
}

/// The field of /proc/PID/stat by its number, from 1 on; those before 3 are not found.
uint64_t stat_field(std::string_view stat, int number) {
  stat = stat.substr(std::min(stat.size(), stat.rfind(')') + 2));
  for (int at = 3; at < number; ++at) stat = stat.substr(std::min(stat.size(), stat.find(' ') + 1));
  uint64_t value = 0;
  std::from_chars(stat.data(), stat.data() + stat.size(), value);
  return value;
}

}  // namespace

std::string Ending::text() const {
  if (signal == 0) return "exited with status " + std::to_string(status);
  return "killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

Result<std::unique_ptr<Process>> Process::start(const Options& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  const Fd report(ends[0]);
  Fd report_in(ends[1]);
  const std::string uid_map = "0 " + std::to_string(::geteuid()) + " 1";
  const std::string gid_map = "0 " + std::to_string(::getegid()) + " 1";
  char* argv[] = {const_cast<char*>("novacron-sandbox"), nullptr};
  char* envp[] = {const_cast<char*>("PATH=/usr/bin:/bin"), const_cast<char*>("LANG=C.UTF-8"), nullptr};
  const bool maps = options.namespaces.user;
  const Exec exec{
      options.program.c_str(),          argv,           envp, options.socket, options.output, report_in.get(),
      maps ? uid_map.c_str() : nullptr, gid_map.c_str()};
  int pidfd = -1;
  clone_args args{};
  args.flags = clone_flags(options.namespaces);
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof(args));
  if (pid < 0) return errno_error("clone3", errno);
  if (pid == 0) run_child(exec);
  std::unique_ptr<Process> process(new Process(static_cast<pid_t>(pid), Fd(pidfd)));
  report_in.reset();
  if (const int why = failure_of(report)) return errno_error("start " + options.program, why);
  return process;
}

Process::~Process() {
  if (reaped_) return;
  kill();
  (void)reap();
}

void Process::kill() const {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

Ending Process::reap() {
  siginfo_t info{};
  int done = 0;
  do {
    done = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
  } while (done != 0 && errno == EINTR);
  reaped_ = true;
  if (done != 0) return {};
  if (info.si_code != CLD_EXITED) return {info.si_status, 0};
  if (info.si_status == kExitAborted) return {SIGABRT, 0};
  return {0, info.si_status};
}

Usage Process::usage() const {
  const auto stat = read_file("/proc/" + std::to_string(pid_) + "/stat", kMaxProcBytes);
  if (!stat.ok()) return {};
  const auto ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  Usage usage;
  usage.cpu_ns = (stat_field(*stat, 14) + stat_field(*stat, 15)) * (1'000'000'000 / ticks);
  usage.threads = static_cast<uint32_t>(stat_field(*stat, 20));
  usage.memory_bytes = stat_field(*stat, 24) * page;
  return usage;
}

}  // namespace novacron::host::sandbox
