// novacrond: the host daemon, one per node.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "host/base/log.h"
#include "host/daemon/config.h"
#include "host/daemon/daemon.h"
#include "host/daemon/leave.h"
#include "host/daemon/notify.h"
#include "host/daemon/version.h"

namespace {

using namespace novacron::host;

constexpr const char* kDefaultConfig = "/etc/novacron/novacrond.toml";

/// Blocked before any thread starts, so that main alone takes them.
sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// The allocator's own default, pinned: left alone it grows with the largest block that was ever freed, and what one
/// burst took (installing a contract compares whole schemas) would stay with the process for good.
void return_unused_memory() {
  constexpr int kKeptBytes = 128 * 1024;
  ::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
}

int failed(const Error& error) {
  std::fprintf(stderr, "novacrond: %s\n", error.message.c_str());
  return 1;
}

int run(const daemon::Config& config) {
  return_unused_memory();
  const sigset_t signals = ending_signals();
  log_setup(config.log.level, config.log.format);
  auto made = daemon::Daemon::create(config);
  if (!made.ok()) return failed(made.error());
  const Status started = (*made)->start();
  if (!started.ok()) return failed(started.error());
  daemon::notify_supervisor("READY=1");
  int signal = 0;
  sigwait(&signals, &signal);
  log_info("daemon", "stopping", {{"signal", signal}});
  daemon::notify_supervisor("STOPPING=1");
  // A second signal ends it at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "The NovaCron host: runs plugins, keeps their resources, serves the REST API.\n"
      "Example: novacrond --config /etc/novacron/novacrond.toml",
      "novacrond");
  std::string config_file = kDefaultConfig;
  bool is_dev = false;
  bool only_check = false;
  uint64_t fleet = 0;
  const auto* const file =
      app.add_option("-c,--config", config_file, "TOML file with the settings")->capture_default_str();
  auto* const dev = app.add_flag("--dev", is_dev, "for development: without --config, all in ~/.novacron-dev");
  app.add_option("--fleet", fleet, "with --dev: play so many nodes besides this one, fleet-1 and so on")
      ->needs(dev)
      ->check(CLI::Range(uint64_t{0}, daemon::kMaxFleet));
  app.add_flag("--check", only_check, "read the settings, say what is wrong with them, and end");
  app.set_version_flag("--version", std::string(daemon::kVersion));
  CLI11_PARSE(app, argc, argv);

  auto config = is_dev && file->empty() ? home_config() : daemon::load_config(config_file);
  if (!config.ok()) return failed(config.error());
  config->fleet = fleet;
  if (!only_check) return run(*config);
  std::printf("%s: valid\n", is_dev && file->empty() ? "--dev" : config_file.c_str());
  return 0;
}
