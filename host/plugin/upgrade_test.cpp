// One build of a plugin takes over from another while it is called: tests/fixtures/plugins/tally.c counts its calls, so
// that one which is lost or comes twice shows.
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>

#include "host/base/file.h"
#include "host/plugin/manager.h"
#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::World;
using Phase = Upgrade::Phase;

namespace {

constexpr Placement kBoth[] = {Placement::kInline, Placement::kSandboxed};

/// A probation that ends only by a verdict, whose looks come soon.
Manager::Options watchful() {
  Manager::Options options;
  options.create_timeout_ms = options.start_timeout_ms = options.quiesce_timeout_ms = options.drain_timeout_ms = 3'000;
  options.upgrades.probation_ms = 600'000;
  options.upgrades.check_ms = 20;
  options.upgrades.min_calls = 20;
  return options;
}

Manager::Options without_probation() {
  Manager::Options options = watchful();
  options.upgrades.probation_ms = 0;
  return options;
}

class Tally {
 public:
  Tally(Placement placement, Manager::Options options, const std::string& first = "1.0.0",
        const std::string& library = "tally-1")
      : world(std::move(options)), placement_(placement) {
    add(first, library);
    REQUIRE(world.manager->install(request(first)).ok());
    REQUIRE(world.manager->enable("tally").ok());
  }
  ~Tally() { CHECK(world.info("tally").state == State::kEnabled); }

  void add(const std::string& version, const std::string& library) {
    world.add_package("tally/" + version, library,
                      {{"id", "tally"}, {"version", version}, {"services", {"novacron.http.v1.Routes"}}});
  }
  InstallRequest request(const std::string& version) const {
    InstallRequest wanted;
    wanted.id = "tally";
    wanted.version = version;
    wanted.placement = placement_;
    return wanted;
  }
  Status upgrade(const std::string& version) { return world.manager->upgrade(request(version)); }
  Status upgrade_to(const std::string& version, const std::string& library) {
    add(version, library);
    return upgrade(version);
  }
  void run_as(Placement placement) { placement_ = placement; }

  /// "NUMBER VERSION", or the reason of the error.
  std::string ask(const std::string& path) {
    const auto answer = world.broker.call("novacron.http.v1.Routes", "Handle", {}, Message{path, {}}, world.options());
    return answer.ok() ? answer->body.substr(2) : answer.error().reason;
  }
  Upgrade last() const { return world.info("tally").upgrade; }

  World world;

 private:
  Placement placement_;
};

std::string number_of(const std::string& answer) {
  return answer.substr(0, answer.find(' '));
}

/// Clients that add one after another, until it ends.
class Clients {
 public:
  Clients(Tally& tally, size_t count) : tally_(tally) {
    for (size_t i = 0; i < count; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  ~Clients() { end(); }
  void end() {
    over_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  size_t calls() const { return calls_; }
  /// What was no number, or a number for the second time.
  const std::set<std::string>& wrong() const { return wrong_; }
  bool reach(size_t calls) const {
    return testing::eventually([&] { return calls_ >= calls; });
  }

 private:
  void run(size_t which) {
    const char* const paths[] = {"/add", "/add", "/later", "/add"};
    while (!over_) {
      const std::string answer = tally_.ask(paths[which % 4]);
      const std::string number = number_of(answer);
      std::lock_guard lock(mutex_);
      ++calls_;
      const bool is_number = !number.empty() && number.find_first_not_of("0123456789") == number.npos;
      if (!is_number || !numbers_.insert(number).second) wrong_.insert(answer);
    }
  }

  Tally& tally_;
  std::atomic<bool> over_ = false;
  std::atomic<size_t> calls_ = 0;
  std::mutex mutex_;
  std::set<std::string> numbers_;
  std::set<std::string> wrong_;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("another version goes on with the state and the descriptors of the one before") {
  for (const Placement placement : kBoth) {
    Tally tally(placement, without_probation());
    CHECK(tally.ask("/add") == "1 1.0.0");
    const std::string pipe = number_of(tally.ask("/pipe"));
    REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
    CHECK(tally.ask("/add") == "2 2.0.0");
    CHECK(number_of(tally.ask("/pipe")) == pipe);
    CHECK(tally.last().phase == Phase::kDone);
    CHECK(tally.last().carried_state);
    CHECK(tally.world.info("tally").manifest.version.to_string() == "2.0.0");
    REQUIRE(tally.upgrade("1.0.0").ok());
    CHECK(tally.ask("/add") == "3 1.0.0");
    CHECK(tally.world.recorder.states["tally"].back() == "enabled");
    CHECK(tally.world.recorder.states["tally"].size() == 5);
  }
}

TEST_CASE("a plugin moves from one placement to the other and back") {
  Tally tally(Placement::kInline, without_probation());
  CHECK(tally.ask("/add") == "1 1.0.0");
  for (const Placement placement : {Placement::kSandboxed, Placement::kInline}) {
    tally.run_as(placement);
    REQUIRE(tally.upgrade("1.0.0").ok());
    CHECK(tally.world.info("tally").placement == placement);
    CHECK((tally.world.info("tally").process.pid != 0) == (placement == Placement::kSandboxed));
  }
  CHECK(tally.ask("/add") == "2 1.0.0");
}

TEST_CASE("no call is lost and none comes twice while versions take over from each other") {
  for (const Placement placement : kBoth) {
    Tally tally(placement, without_probation());
    tally.add("2.0.0", "tally-2");
    Clients clients(tally, 16);
    for (int i = 0; i < 6; ++i) {
      REQUIRE(tally.upgrade(i % 2 == 0 ? "2.0.0" : "1.0.0").ok());
      REQUIRE(clients.reach(clients.calls() + 20));
    }
    clients.end();
    CHECK(clients.wrong() == std::set<std::string>{});
    CHECK(number_of(tally.ask("/count")) == std::to_string(clients.calls()));
  }
}

TEST_CASE("a call that takes long ends on the version that it began on, and others wait for the next") {
  Tally tally(Placement::kInline, without_probation());
  auto slow =
      tally.world.broker.open("novacron.http.v1.Routes", "Handle", {}, Message{"/slow", {}}, tally.world.options());
  REQUIRE(testing::eventually([&] { return tally.world.info("tally").counters.calls == 1; }));
  auto waits =
      tally.world.broker.open("novacron.http.v1.Routes", "Handle", {}, Message{"/add", {}}, tally.world.options());
  REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
  CHECK(slow->wait()->body.substr(2) == "1 1.0.0");
  CHECK(waits->wait()->body.substr(2) == "2 2.0.0");
}

TEST_CASE("a version that cannot take over leaves the one before as it was") {
  for (const Placement placement : kBoth) {
    Tally tally(placement, watchful());
    Clients clients(tally, 4);
    int version = 20;
    for (const std::string way : {"create-fails", "start-fails", "refuses-state", "restore-fails"}) {
      const std::string number = std::to_string(version++) + ".0.0";
      if (way == "refuses-state" || way == "start-fails") continue;
      INFO(way);
      REQUIRE(tally.upgrade_to(number, "tally-" + way).ok());
      CHECK(tally.last().phase == Phase::kRolledBack);
      CHECK(tally.last().message == "as told");
      CHECK(tally.world.info("tally").manifest.version.to_string() == "1.0.0");
      REQUIRE(clients.reach(clients.calls() + 10));
    }
    clients.end();
    CHECK(clients.wrong() == std::set<std::string>{});
    CHECK(number_of(tally.ask("/count")) == std::to_string(clients.calls()));
  }
}

TEST_CASE("a version that hangs or dies while it takes over leaves the one before as it was") {
  Tally tally(Placement::kSandboxed, watchful());
  CHECK(tally.ask("/add") == "1 1.0.0");
  REQUIRE(tally.upgrade_to("24.0.0", "tally-restore-hangs").ok());
  CHECK(tally.last().reason == "plugin.killed");
  CHECK(tally.ask("/add") == "2 1.0.0");
  REQUIRE(tally.upgrade_to("25.0.0", "tally-dies-in-restore").ok());
  CHECK(tally.last().reason == "plugin.restore-failed");
  CHECK(tally.ask("/add") == "3 1.0.0");
}

TEST_CASE("a version that does not understand the state starts without it") {
  for (const Placement placement : kBoth) {
    Tally tally(placement, without_probation());
    CHECK(tally.ask("/add") == "1 1.0.0");
    REQUIRE(tally.upgrade_to("22.0.0", "tally-refuses-state").ok());
    CHECK(tally.last().phase == Phase::kDone);
    CHECK_FALSE(tally.last().carried_state);
    CHECK(tally.ask("/add") == "1 22.0.0");
  }
}

TEST_CASE("a version that cannot leave its state keeps its place") {
  Tally tally(Placement::kInline, watchful(), "31.0.0", "tally-quiesce-fails");
  CHECK(tally.ask("/add") == "1 31.0.0");
  REQUIRE(tally.upgrade_to("1.0.0", "tally-1").ok());
  CHECK(tally.last().reason == "plugin.quiesce-failed");
  CHECK(tally.ask("/add") == "2 31.0.0");
}

TEST_CASE("a version that hangs when it is to leave its state is replaced all the same") {
  for (const Placement placement : kBoth) {
    Tally tally(placement, without_probation(), "32.0.0", "tally-quiesce-hangs");
    CHECK(tally.ask("/add") == "1 32.0.0");
    REQUIRE(tally.upgrade_to("1.0.0", "tally-1").ok());
    CHECK(tally.last().phase == Phase::kDone);
    CHECK(tally.ask("/add") == "1 1.0.0");
  }
}

TEST_CASE("a version that fails on probation is rolled back with what it has counted") {
  struct Case {
    std::string way;
    std::string version;
    std::string reason;
  };
  for (const Case& bad : {Case{"errs", "26.0.0", "plugin.more-errors"}, Case{"slow", "27.0.0", "plugin.slower"},
                          Case{"unwell", "29.0.0", "plugin.unhealthy"}}) {
    for (const Placement placement : kBoth) {
      INFO(bad.way);
      Tally tally(placement, watchful());
      for (int i = 0; i < 30; ++i) REQUIRE(number_of(tally.ask("/add")) == std::to_string(i + 1));
      REQUIRE(tally.upgrade_to(bad.version, "tally-" + bad.way).ok());
      for (int i = 0; i < 30 && bad.way != "unwell"; ++i) tally.ask("/add");
      REQUIRE(tally.world.recorder.upgraded("tally", Phase::kRolledBack));
      CHECK(tally.last().reason == bad.reason);
      CHECK(tally.last().from.version == "1.0.0");
      const int more = bad.way == "slow" ? 30 : 0;
      CHECK(tally.ask("/add") == std::to_string(31 + more) + " 1.0.0");
    }
  }
}

TEST_CASE("a version whose process dies on probation is rolled back, and calls wait meanwhile") {
  Tally tally(Placement::kSandboxed, watchful());
  REQUIRE(tally.upgrade_to("28.0.0", "tally-dies-in-calls").ok());
  CHECK(tally.ask("/add") == "plugin.died");
  REQUIRE(tally.world.recorder.upgraded("tally", Phase::kRolledBack));
  CHECK(tally.last().reason == "plugin.died");
  CHECK(tally.ask("/add") == "1 1.0.0");
  CHECK(tally.upgrade("28.0.0").ok());
  CHECK(tally.ask("/count") == "1 1.0.0");
}

TEST_CASE("a version passes its probation when nothing speaks against it") {
  Manager::Options options = watchful();
  options.upgrades.probation_ms = 100;
  Tally tally(Placement::kInline, options);
  REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
  REQUIRE(tally.world.recorder.upgraded("tally", Phase::kDone));
  CHECK(tally.world.recorder.upgrades["tally"].size() == 4);
  CHECK(tally.ask("/add") == "1 2.0.0");
}

TEST_CASE("on probation another upgrade is refused, and the version before may be asked back") {
  Tally tally(Placement::kInline, watchful());
  REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
  CHECK(tally.upgrade_to("3.0.0", "tally-3").error().reason == "plugin.in-probation");
  CHECK(tally.ask("/add") == "1 2.0.0");
  REQUIRE(tally.upgrade("1.0.0").ok());
  CHECK(tally.last().phase == Phase::kRolledBack);
  CHECK(tally.last().reason == "plugin.asked-back");
  CHECK(tally.ask("/add") == "2 1.0.0");
  CHECK(tally.world.manager->roll_back("tally", {}).error().reason == "plugin.not-in-probation");
}

TEST_CASE("what was rolled back is not tried again until somebody says so") {
  Tally tally(Placement::kInline, watchful());
  REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
  REQUIRE(tally.world.manager->roll_back("tally", {Code::kCancelled, "for a test", "test.back"}).ok());
  REQUIRE(tally.upgrade("").ok());
  CHECK(tally.ask("/add") == "1 1.0.0");
  tally.world.manager->forget_rolled_back("tally");
  REQUIRE(tally.upgrade("").ok());
  CHECK(tally.ask("/add") == "2 2.0.0");
}

TEST_CASE("a host that starts after an upgrade was rolled back installs what it was rolled back to") {
  World world;
  for (const std::string version : {"1", "2"}) {
    world.add_package("tally/" + version, "tally-" + version,
                      {{"id", "tally"}, {"version", version + ".0.0"}, {"services", {"novacron.http.v1.Routes"}}});
  }
  InstallRequest request;
  request.id = "tally";
  REQUIRE(world.manager->chosen(request)->version.to_string() == "2.0.0");
  REQUIRE(world.manager->install(request).ok());
  Upgrade rolled_back;
  rolled_back.phase = Phase::kRolledBack;
  rolled_back.to = {"2.0.0", Placement::kInline, world.info("tally").digest};
  rolled_back.from = {"1.0.0", Placement::kInline, ""};
  REQUIRE(world.manager->remove("tally").ok());
  request.rolled_back = rolled_back;
  REQUIRE(world.manager->install(request).ok());
  CHECK(world.info("tally").manifest.version.to_string() == "1.0.0");
}

TEST_CASE("at most eight versions of a plugin are in the host's memory, and then it says what to do") {
  Tally tally(Placement::kInline, without_probation());
  for (int i = 2; i <= 8; ++i) {
    REQUIRE(tally.upgrade_to(std::to_string(i) + ".0.0", "tally-" + std::to_string(i)).ok());
    CHECK(tally.ask("/add") == std::to_string(i - 1) + ' ' + std::to_string(i) + ".0.0");
  }
  REQUIRE(tally.upgrade_to("9.0.0", "tally-9").ok());
  CHECK(tally.last().phase == Phase::kRolledBack);
  CHECK(tally.last().reason == "plugin.too-many-versions");
  CHECK(tally.last().message.find("sandbox") != std::string::npos);
  REQUIRE(tally.upgrade("3.0.0").ok());
  CHECK(tally.ask("/add") == "8 3.0.0");
  tally.run_as(Placement::kSandboxed);
  REQUIRE(tally.upgrade("9.0.0").ok());
  CHECK(tally.ask("/add") == "9 9.0.0");
}

TEST_CASE("each version in the host's process is a library of its own, and is seen as that") {
  Tally tally(Placement::kInline, without_probation());
  REQUIRE(tally.upgrade_to("2.0.0", "tally-2").ok());
  const auto maps = read_file("/proc/self/maps", 16 << 20);
  REQUIRE(maps.ok());
  for (const char* version : {"/memfd:tally-1.0.0", "/memfd:tally-2.0.0"}) {
    INFO(version);
    CHECK(maps->find(version) != std::string::npos);
  }
}
