// novacrond: the host daemon, one per node.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "host/base/log.h"
#include "host/daemon/command_line.h"
#include "host/daemon/config_report.h"
#include "host/daemon/daemon.h"
#include "host/daemon/leave.h"
#include "host/daemon/notify.h"

namespace {

using namespace novacron::host;

/// Blocked before any thread starts, so that main alone takes them.
sigset_t expected_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// The allocator's own default, pinned: left alone it grows with the largest block that was ever freed, and what one
/// burst took (installing a contract compares whole schemas) would stay with the process for good. It keeps a pool for
/// each of many threads, where what one of them used once is of no use to the others: one for each processor is
/// enough.
void return_unused_memory() {
  constexpr int kKeptBytes = 128 * 1024;
  ::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  ::mallopt(M_ARENA_MAX, static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}

int failed(const Error& error) {
  std::fprintf(stderr, "novacrond: %s\n", error.message.c_str());
  return 1;
}

/// What SIGHUP means: to read the settings again; or, where there is no file, that the terminal has gone.
enum class Hangup { kReload, kEnd };

/// Until a signal asks to end: which.
int wait_for_end(const sigset_t& signals, daemon::Daemon& host, Hangup hangup) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP || hangup == Hangup::kEnd) return signal;
    daemon::notify_reloading();
    host.reload();
    daemon::notify_supervisor("READY=1");
  }
}

int serve(daemon::LiveConfig& settings, Hangup hangup) {
  return_unused_memory();
  const sigset_t signals = expected_signals();
  log_configure(settings.current().log);
  auto inherited = daemon::take_inherited_sockets();
  if (!inherited.ok()) return failed(inherited.error());
  auto made = daemon::Daemon::create(settings, *std::move(inherited));
  if (!made.ok()) return failed(made.error());
  const Status started = (*made)->start();
  if (!started.ok()) return failed(started.error());
  daemon::notify_supervisor("READY=1");
  const int signal = wait_for_end(signals, **made, hangup);
  log_info("daemon", "stopping", {{"signal", signal}});
  daemon::notify_supervisor("STOPPING=1");
  // A second signal ends it at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  const daemon::Config config = settings.current();
  const daemon::LeaveAfter deadline(config.api.shutdown_ms + config.plugins.shutdown_ms);
  if ((*made)->stop() == daemon::Daemon::Ending::kThreadsLeft) daemon::leave();
  return 0;
}

/// For --dev.
Result<daemon::Config> home_config() {
  const char* const home = std::getenv("HOME");
  std::array<char, PATH_MAX> program{};
  const bool is_found = ::readlink("/proc/self/exe", program.data(), program.size() - 1) > 0;
  if (home != nullptr && is_found) return daemon::dev_config(std::string(home) + "/.novacron-dev", program.data());
  return Error{Code::kFailedPrecondition, "--dev needs $HOME and /proc, or a --config", "config.no-home"};
}

Result<daemon::ConfigSources> sources_of(const daemon::CommandLine& line) {
  daemon::ConfigSources sources{.file = line.file, .may_be_absent = !line.file_is_given};
  for (char** variable = environ; *variable != nullptr; ++variable) sources.environment.emplace_back(*variable);
  if (line.file.empty()) {
    sources.defaults = TRY(home_config());
    sources.defaults_name = "--dev";
  }
  sources.defaults.fleet = line.fleet;
  return sources;
}

int check(const daemon::CommandLine& line, const daemon::LoadedConfig& loaded) {
  if (line.task == daemon::Task::kShow)
    std::fputs(daemon::config_as_toml(loaded).c_str(), stdout);
  else
    std::printf("%s: valid\n", line.file.empty() ? "--dev" : line.file.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = daemon::parse_command_line(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& line = std::get<daemon::CommandLine>(parsed);
  if (line.task == daemon::Task::kMan) return std::fputs(daemon::manual_page().c_str(), stdout) < 0 ? 1 : 0;
  auto sources = sources_of(line);
  if (!sources.ok()) return failed(sources.error());
  auto loaded = daemon::load_config(*sources);
  if (!loaded.ok()) return failed(loaded.error());
  if (line.task != daemon::Task::kServe) return check(line, *loaded);
  daemon::LiveConfig settings(*std::move(sources), *std::move(loaded));
  return serve(settings, line.file.empty() ? Hangup::kEnd : Hangup::kReload);
}
