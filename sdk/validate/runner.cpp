#include "sdk/validate/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "novacron/fd.h"

namespace novacron::validate {
namespace {

constexpr size_t kMaxOutputBytes = 4'096;             // of what is kept
constexpr rlim_t kMaxFileBytes = 64 * 1'024 * 1'024;  // of what it may write
constexpr rlim_t kMaxDescriptors = 4'096;
constexpr size_t kMaxReportBytes = 1'024 * 1'024;

void limit(int what, rlim_t most) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(what), &now) != 0) return;
  now.rlim_cur = std::min(now.rlim_max, most);
  (void)::setrlimit(static_cast<__rlimit_resource_t>(what), &now);
}

[[noreturn]] void become_child(const std::vector<std::string>& arguments, int output, int report) {
  (void)::setpgid(0, 0);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, kMaxFileBytes);
  limit(RLIMIT_NOFILE, kMaxDescriptors);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const std::string report_fd = std::to_string(::fcntl(report, F_DUPFD, 3));
  std::vector<std::string> words = arguments;
  words.push_back("--report-fd=" + report_fd);
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  ::execv("/proc/self/exe", raw.data());
  ::_exit(127);
}

std::string tail_of(int memfd) {
  const off_t size = ::lseek(memfd, 0, SEEK_END);
  if (size <= 0) return "";
  const off_t begin = size > static_cast<off_t>(kMaxOutputBytes) ? size - static_cast<off_t>(kMaxOutputBytes) : 0;
  std::string text(static_cast<size_t>(size - begin), '\0');
  const ssize_t got = ::pread(memfd, text.data(), text.size(), begin);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

/// Reads until the child has ended or the time is up. False: it is up.
bool await(int pidfd, int report, uint64_t timeout_ms, std::string& out) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  pollfd polled[] = {{report, POLLIN, 0}, {pidfd, POLLIN, 0}};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (::poll(polled, 2, static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    char bytes[4'096];
    ssize_t got = 0;
    while ((got = ::read(report, bytes, sizeof bytes)) > 0 && out.size() < kMaxReportBytes) {
      out.append(bytes, static_cast<size_t>(got));
    }
    if (got == 0) polled[0].fd = -1;  // its end; the process may go on
    if (polled[1].revents != 0) return true;
  }
}

/// From "loan\t…" and so on, what crash.cpp writes.
Finding crash_finding(const std::string& report) {
  const size_t tab = report.find('\t');
  const std::string kind = report.substr(0, tab);
  std::string what = report.substr(tab + 1, report.find('\n') - tab - 1);
  if (kind == "loan") {
    return {Subject::kResult, what,
            "RULE 5: an in-parameter is borrowed until the function returns, and is not written to",
            "copy what you keep, and never read beyond the length"};
  }
  if (kind == "stack") {
    return {Subject::kProcess, what, "a plugin must not end the process that it runs in",
            "bound the recursion, above all where a request decides its depth"};
  }
  return {Subject::kProcess, what, "a plugin must not end the process that it runs in",
          "run it in a debugger: --in-process with this test and seed"};
}

Finding end_finding(int status) {
  const char* const rule = "a plugin must not end the process that it runs in";
  if (WIFEXITED(status)) {
    return {Subject::kProcess, "it ended the process by exit(" + std::to_string(WEXITSTATUS(status)) + ")", rule,
            "give an error code; only the host ends its process"};
  }
  return {Subject::kProcess, std::string("the process died of SIG") + sigabbrev_np(WTERMSIG(status)), rule,
          "run it in a debugger: --in-process with this test and seed"};
}

void judge(const std::string& report, int status, bool is_in_time, uint64_t timeout_ms, TestResult& result) {
  if (from_report(report, result)) return;
  result.verdict = Verdict::kFailed;
  if (!is_in_time) {
    result.findings.push_back({Subject::kProcess,
                               "it did not come to an end within " + std::to_string(timeout_ms) + " ms",
                               "every function returns by its deadline", "find what it waits for: --in-process"});
  } else {
    result.findings.push_back(report.find('\t') != std::string::npos ? crash_finding(report) : end_finding(status));
  }
}

}  // namespace

TestResult run_in_child(const Test& test, const RunnerSettings& settings) {
  TestResult result{.name = test.name, .suite = {}, .findings = {}};
  int ends[2];
  const Fd output(::memfd_create("output", MFD_CLOEXEC));
  if (!output || ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    result.findings.push_back(
        {Subject::kProcess, "no process for the test: " + std::string(std::strerror(errno)), "", ""});
    return result;
  }
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  std::vector<std::string> arguments = settings.arguments;
  arguments.push_back("--run-test=" + test.name);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) become_child(arguments, output.get(), writing.get());
  writing.reset();
  (void)::setpgid(child, child);
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  std::string report;
  const bool is_in_time = await(pidfd.get(), reading.get(), settings.timeout_ms, report);
  (void)::kill(-child, SIGKILL);  // with whatever it has started
  int status = 0;
  (void)::waitpid(child, &status, 0);
  judge(report, status, is_in_time, settings.timeout_ms, result);
  result.output = tail_of(output.get());
  const auto took = std::chrono::steady_clock::now() - begin;
  result.duration_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  return result;
}

}  // namespace novacron::validate
