// A host with a broker, a catalog in a private folder and the fixture plugins, for this folder's tests.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>
#include <vector>

#include "host/base/log.h"
#include "host/bus/bus.h"
#include "host/plugin/broker.h"
#include "host/plugin/manager.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "novacron-plugin-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
  std::filesystem::path path;
};

/// Bytes that plugins write and the test reads, or the other way round.
class Pipe {
 public:
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
  void put(size_t count = 1) {
    for (size_t i = 0; i < count; ++i) REQUIRE(::write(writer.get(), "x", 1) == 1);
  }
  int get() {
    unsigned char byte = 0;
    REQUIRE(::read(reader.get(), &byte, 1) == 1);
    return byte;
  }
  /// For a plugin that hangs on it beyond the test: its thread may still read when the descriptor would be closed.
  ~Pipe() {
    if (leaked_) (void)reader.release();
  }
  std::string hang() {
    leaked_ = true;
    return out();
  }
  std::string in() const { return std::to_string(writer.get()); }
  std::string out() const { return std::to_string(reader.get()); }
  Fd reader;
  Fd writer;

 private:
  bool leaked_ = false;
};

/// For what nobody tells of: asks until it holds, bounded.
template <class Condition>
bool eventually(Condition&& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class Contracts : public ContractCatalog {
 public:
  Status install(const std::string&, const std::string&, const std::vector<Provided>& provides) override {
    for (const Provided& provided : provides) versions[provided.contract] = provided.version;
    return {};
  }
  bool satisfied(const Required& required) const override {
    const auto found = versions.find(required.contract);
    return found != versions.end() && required.range.contains(found->second);
  }
  std::map<std::string, Version> versions;
};

class Recorder : public LifecycleListener {
 public:
  void on_transition(const Transition& transition, const PluginInfo& now) override {
    std::lock_guard lock(mutex);
    // Not checked here: this may be a thread of the manager's, and Catch is for the test's own.
    if (!may_follow(transition.from, transition.to) || now.state != transition.to) ++illegal;
    states[transition.plugin].push_back(std::string(to_string(transition.to)));
    changed.notify_all();
  }
  void on_trouble(const std::string& reason, const PluginInfo& now) override {
    std::lock_guard lock(mutex);
    troubles[now.id].push_back(reason);
    changed.notify_all();
  }
  void on_death(const PluginDeath& death) override {
    std::lock_guard lock(mutex);
    deaths.push_back(death);
    changed.notify_all();
  }
  void on_upgrade(const PluginInfo& now) override {
    std::lock_guard lock(mutex);
    upgrades[now.id].push_back(now.upgrade);
    changed.notify_all();
  }
  /// Waits, bounded, until its last upgrade is in the phase.
  bool upgraded(const std::string& plugin, Upgrade::Phase phase) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] {
      const auto& told = upgrades[plugin];
      return !told.empty() && told.back().phase == phase;
    });
  }
  /// Waits, bounded, until the plugin was in the trouble.
  bool troubled(const std::string& plugin, const std::string& reason) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] {
      const auto& told = troubles[plugin];
      return std::find(told.begin(), told.end(), reason) != told.end();
    });
  }
  /// Waits, bounded, until the plugin was in the state.
  bool reached(const std::string& plugin, const std::string& state) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] {
      const auto& seen = states[plugin];
      return std::find(seen.begin(), seen.end(), state) != seen.end();
    });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<std::string>> states;
  std::map<std::string, std::vector<std::string>> troubles;
  std::vector<PluginDeath> deaths;
  std::map<std::string, std::vector<Upgrade>> upgrades;
  size_t illegal = 0;
};

inline auth::ContextPtr context_of(std::string principal, std::string tenant = "") {
  auto made = std::make_shared<auth::Context>();
  made->identity.principal = std::move(principal);
  made->identity.tenant = std::move(tenant);
  made->node = "node-1";
  return made;
}

class World {
 public:
  /// `tracer` outlives it; null: nothing is traced.
  explicit World(Manager::Options options = {}, trace::Tracer* tracer = nullptr)
      : bus(system_clock()),
        broker({.node = "node-1", .other_nodes = {"played-1"}, .pool = &pool, .bus = &bus, .tracer = tracer}) {
    log_configure({.level = LogLevel::kError});
    options.catalog = {folder.path / "catalog"};
    options.sandboxes.program = NOVACRON_SANDBOX_PROGRAM;
    manager = std::make_unique<Manager>(broker, contracts, recorder, std::move(options));
  }

  ~World() {
    manager = nullptr;
    CHECK(recorder.illegal == 0);
  }

  /// Puts a fixture into the catalog: its library under another name, beside an empty contracts.binpb.
  std::filesystem::path add_package(const std::string& id, const std::string& library);
  /// `changes` is a merge patch of its manifest.
  std::filesystem::path add_package(const std::string& id, const std::string& library, const nlohmann::json& changes);

  /// "a" is the plugin actor-a with the service test.a; it may do everything unless `permissions` says otherwise.
  void enable_actor(const std::string& letter);
  void enable_actor(const std::string& letter, const nlohmann::json& permissions);
  void enable_actor(const std::string& letter, Placement placement);

  Status install(const std::string& id, const std::string& config = "") {
    InstallRequest request;
    request.id = id;
    request.config = config;
    return manager->install(request);
  }

  CallOptions options(uint64_t timeout_ms = 0) const { return {user, timeout_ms * 1'000'000, ""}; }

  /// Calls test.<letter>/<method> with a script; the answer's text, or the reason of the error.
  std::string run(const std::string& letter, const std::string& script, const std::string& method = "Run") {
    return text_of(broker.call("test." + letter, method, {}, Message{script, {}}, options()));
  }
  std::unique_ptr<ClientCall> open(const std::string& letter, const std::string& script,
                                   const std::string& method = "Run", uint64_t timeout_ms = 0) {
    return broker.open("test." + letter, method, {}, Message{script, {}}, options(timeout_ms));
  }
  static std::string text_of(const Result<Message>& result) {
    return result.ok() ? result->body : result.error().reason;
  }
  PluginInfo info(const std::string& id) const {
    auto found = manager->info(id);
    REQUIRE(found.ok());
    return std::move(found).value();
  }

  TempFolder folder;
  WorkerPool pool{{.max_threads = 64, .idle_ms = 100}};
  bus::Bus bus;
  Broker broker;
  Contracts contracts;
  Recorder recorder;
  auth::ContextPtr user = context_of("user:somebody");
  std::unique_ptr<Manager> manager;
};

}  // namespace novacron::host::plugin::testing
