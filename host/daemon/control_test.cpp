#include "host/daemon/control.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/resource/keys.h"
#include "host/resource/testing/world.h"
#include "host/state/sync.h"

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

using nlohmann::json;

struct Fixture {
  Fixture() {
    bus::Callbacks callbacks;
    callbacks.on_events = [this](const bus::Batch& batch) {
      std::lock_guard lock(mutex);
      events.insert(events.end(), batch.events.begin(), batch.events.end());
      changed.notify_all();
    };
    callbacks.on_end = [](const Error&) {};
    bus::Interest interest;
    interest.pattern = "config.*";
    bus.subscribe(interest, callbacks);
  }
  ~Fixture() { std::filesystem::remove_all(folder); }

  void write(const std::string& text) { REQUIRE(write_file(file, text, 0600).ok()); }
  LoadedConfig loaded() {
    write("[api]\nmax_connections = 5\n");
    return load_config({.file = file}).value();
  }

  bus::EventPtr event(size_t index) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return events.size() > index; }));
    return events[index];
  }
  /// How many records there are of reloads that somebody asked for.
  size_t audited(const std::string& principal) {
    state::RangeRequest all;
    all.keys = state::KeyRange::prefix(resource::kAuditPrefix);
    const auto records = state::Sync(world.engine()).range(std::move(all));
    size_t count = 0;
    for (const auto& record : records->entries) {
      const bool is_reload = record->value.find("novacron.core/Config") != std::string::npos;
      if (is_reload && record->value.find(principal) != std::string::npos) ++count;
    }
    return count;
  }

  const std::string folder = [] {
    std::string name = "/tmp/nc-control-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  const std::string file = folder + "/n.toml";
  resource::testing::World world;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bus::EventPtr> events;
  bus::Bus bus{system_clock()};
  LiveConfig config{ConfigSources{.file = file}, loaded()};
  Control control{{config, world.store(), bus, [](const Config&) { return Status(); }}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a reload is audited, and told with who asked for it and what has changed") {
  write("[api]\nmax_connections = 6\nlisten = [\"127.0.0.1:1\"]\n");
  const auto reply = control.reload(world.alice);
  REQUIRE(reply.ok());
  CHECK(json::parse(*reply) == json::parse(R"({"changed":["api.max_connections"],"restart_required":["api.listen"]})"));
  CHECK(audited("user:alice") == 1);
  CHECK(event(0)->subject == "config.reloaded");
  CHECK(json::parse(*event(0)->body)["by"] == "user:alice");
  CHECK(json::parse(*event(0)->body)["changed"] == json::parse(R"(["api.max_connections"])"));
  CHECK(json::parse(control.settings())["restart_required"] == json::parse(R"(["api.listen"])"));
}

TEST_CASE_METHOD(Fixture, "a reload that is refused is audited and told too") {
  write("colour = 1\n");
  const auto reply = control.reload(world.host);
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().reason == "config.invalid");
  CHECK(audited("host") == 1);
  CHECK(event(0)->subject == "config.refused");
  CHECK_THAT(json::parse(*event(0)->body)["why"].get<std::string>(), Catch::Contains("n.toml:1"));
  CHECK_THAT(control.settings(), Catch::Contains("colour"));
}
