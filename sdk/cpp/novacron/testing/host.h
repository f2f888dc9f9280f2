// An in-memory host for tests of plugins: calls, events, timers, a clock that the test moves, and nothing else of the
// machine.
//
//   novacron::testing::Host host;
//   host.provide(fake_scheduler);                        // a …Service of the test's
//   auto plugin = host.load<Hello>();                    // or host.open("…/plugin.so")
//   GreeterClient greeter(host.client());
//   auto reply = greeter.greet({.name = "you"});
//
// A unary call runs at once on the calling thread; a stream's callee has a thread. Tasks, timers, events and
// completions run only in run_until_idle() and run_until(), on the test's thread, in the order of their time and then
// of their coming.
#pragma once

#include <novacron/plugin.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/instance.h"
#include "novacron/service.h"

namespace novacron::testing {

class Core;
struct Seat;

struct LogRecord {
  LogLevel level = LogLevel::kInfo;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;
};

struct PublishedEvent {
  std::string subject;
  std::string tenant;
  std::string body;
  uint64_t revision = 0;
};

/// A plugin's instance. Its destruction ends it as a host would: quiesce, then destroy.
class LoadedPlugin {
 public:
  LoadedPlugin(Core& core, const nc_plugin* table, const std::string& id);
  LoadedPlugin(const LoadedPlugin&) = delete;
  LoadedPlugin& operator=(const LoadedPlugin&) = delete;
  ~LoadedPlugin();

  Status create(std::string_view config);
  /// Offers its services.
  Status start();
  Status configure(std::string_view config);
  Status health();
  /// The messages that it leaves for its successor.
  Result<std::vector<std::string>> quiesce();
  Status resume();
  Status restore(std::string_view from_version, std::vector<std::string> state);

  const nc_plugin& table() const { return *table_; }
  nc_instance* instance() const { return instance_; }

 private:
  void offer();

  Core& core_;
  const nc_plugin* table_;
  const std::unique_ptr<Seat> seat_;
  nc_instance* instance_ = nullptr;
  bool is_running_ = false;
};

/// A plugin whose class is linked into the test.
template <class P>
class Loaded {
 public:
  explicit Loaded(std::unique_ptr<LoadedPlugin> plugin) : plugin_(std::move(plugin)) {}
  LoadedPlugin& control() { return *plugin_; }
  P* operator->() { return &static_cast<Instance<P>*>(plugin_->instance())->plugin(); }
  P& operator*() { return *operator->(); }

 private:
  std::unique_ptr<LoadedPlugin> plugin_;
};

class Host {
 public:
  Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  /// Plugins end before it.
  ~Host();

  /// Offers a service of the test's; it must outlive the host. A second one of the same name replaces the first.
  template <class S>
  requires std::derived_from<S, Service>
  void provide(S& service) { offer(S::kDescriptor, service); }
  /// Calls to the service are UNAVAILABLE again.
  void withdraw(const nc_service& service);

  /// Constructs and configures a plugin: start() or restore() it by control().
  template <class P>
  Result<Loaded<P>> create(std::string_view config = {}, std::string id = "plugin-under-test") {
    static constexpr nc_descriptor kDescriptor = {sizeof(nc_descriptor),
                                                  P::kFlags,
                                                  {"plugin-under-test", 17},
                                                  {"0.0.0", 5},
                                                  {"test", 4},
                                                  Instance<P>::Table::kDescriptors.data(),
                                                  Instance<P>::Table::kCount,
                                                  {"", 0}};
    static constexpr nc_plugin kTable = plugin_table<P>(&kDescriptor);
    return Loaded<P>(NC_TRY(create_from(&kTable, config, id)));
  }
  /// Constructs, configures and starts a plugin.
  template <class P>
  Result<Loaded<P>> load(std::string_view config = {}, std::string id = "plugin-under-test") {
    auto plugin = NC_TRY(create<P>(config, std::move(id)));
    NC_TRY_STATUS(plugin.control().start());
    return plugin;
  }
  template <class P, Message Config>
  Result<Loaded<P>> load(const Config& config, std::string id = "plugin-under-test") {
    return load<P>(encode(config), std::move(id));
  }
  /// The same for a library.
  Result<std::unique_ptr<LoadedPlugin>> open(const std::string& path, std::string_view config = {});

  /// For the test's own clients: calls with it are made by the user "user:test" of tenant "default".
  novacron::Host& client();
  /// A context for CallOptions::context. Ends with the host, or with drop_context().
  nc_context context(const Caller& caller);
  void drop_context(nc_context context);

  uint64_t now_ns() const;
  void advance(uint64_t ns);

  /// Runs what is due; the number of tasks. Streams may bring more later.
  size_t run_until_idle();
  /// Runs what is due, and waits for streams to bring more, until `condition` holds. False: it did not within
  /// `limit_ms` of real time.
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms = 10'000);

  std::vector<LogRecord> logs() const;
  std::vector<PublishedEvent> events() const;
  /// What a plugin said of itself by fatal().
  std::vector<std::string> fatals() const;
  /// Calls that ended, "service/method" in their order.
  std::vector<std::string> calls() const;

  Core& core() { return *core_; }

 private:
  void offer(const nc_service& descriptor, Service& service);
  Result<std::unique_ptr<LoadedPlugin>> create_from(const nc_plugin* table, std::string_view config,
                                                    const std::string& id);

  std::unique_ptr<Core> core_;
};

}  // namespace novacron::testing
