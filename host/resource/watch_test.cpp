#include <algorithm>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "host/resource/collector.h"
#include "host/resource/keys.h"
#include "host/resource/store.h"
#include "host/resource/testing/world.h"
#include "host/state/sync.h"

namespace novacron::host::resource {

using testing::robot_ref;
using testing::station_ref;
using testing::World;

namespace {
constexpr uint64_t kPatienceNs = 20'000'000'000;

/// "PUT r1", "DELETED r1"; bookmarks are left out.
class Reader {
 public:
  Reader(World& world, WatchOptions options) : world_(world) {
    auto watch = world.store().watch(world.alice, options);
    REQUIRE(watch.ok());
    watch_ = std::move(*watch);
  }

  /// The next `count` of them.
  std::vector<std::string> next(size_t count) {
    const uint64_t deadline_ns = world_.clock.monotonic_ns() + kPatienceNs;
    while (texts_.size() < count) {
      const auto events = watch_->wait(count - texts_.size(), deadline_ns);
      if (!events.ok()) {
        texts_.push_back(events.error().reason);
        break;
      }
      for (const auto& event : *events) add(event);
    }
    return std::exchange(texts_, {});
  }

  uint64_t revision() const { return revision_; }
  const ObjectView& last() const { return last_; }

 private:
  void add(const Event& event) {
    revision_ = event.revision;
    if (event.type == Event::Type::kBookmark) return;
    last_ = event.object;
    texts_.push_back((event.type == Event::Type::kPut ? "PUT " : "DELETED ") + event.object.ref.name);
  }

  World& world_;
  std::unique_ptr<Watch> watch_;
  std::vector<std::string> texts_;
  uint64_t revision_ = 0;
  ObjectView last_;
};

using Texts = std::vector<std::string>;
}  // namespace

TEST_CASE("a watch of some by their fields tells when one comes to fit and when it no longer does") {
  World world;
  REQUIRE(world.make_robot("r1", R"({"arms":3})").ok());
  WatchOptions options{"shop/Robot", "default"};
  options.field_selector = "spec.arms > 2 && status.phase == ACTIVE";
  Reader reader(world, options);
  REQUIRE(world.make_robot("r2", R"({"arms":1})").ok());
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  CHECK(reader.next(1) == Texts{"PUT r1"});
  REQUIRE(world.set_status("r2", R"({"phase":"ACTIVE"})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":2}})").ok());
  CHECK(reader.next(1) == Texts{"DELETED r1"});
  CHECK(world.show(reader.last()).find(R"("arms":3)") != std::string::npos);
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":4}})").ok());
  REQUIRE(world.set_status("r1", R"({"phase":"IDLE"})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":5}})").ok());
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  CHECK(reader.next(4) == Texts{"PUT r1", "DELETED r1", "PUT r1", "DELETED r1"});
  options.field_selector = "spec.legs > 2";
  CHECK(world.store().watch(world.alice, options).error().reason == "selector.invalid");
}

TEST_CASE("a watch tells what happens after a list, whole objects at a time") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  const auto page = world.store().list(world.alice, {"shop/Robot", "default"});
  REQUIRE(world.make_robot("r2").ok());
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  Reader reader(world, {"shop/Robot", "default", "", page->revision});
  CHECK(reader.next(2) == Texts{"PUT r2", "PUT r1"});
  CHECK(reader.last().status_revision == reader.revision());
  CHECK_FALSE(reader.last().spec.empty());
  CHECK(reader.next(1) == Texts{"DELETED r1"});
  CHECK_FALSE(reader.last().status.empty());
}

TEST_CASE("an object that no longer matches the selector is told as deleted") {
  World world;
  Reader reader(world, {"shop/Robot", "", "app=web"});
  REQUIRE(world.make_robot("other").ok());
  REQUIRE(world.make_robot("r1", "{}", R"("labels":{"app":"web"})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());
  REQUIRE(world.patch_robot("r1", R"({"metadata":{"labels":{"app":"db"}}})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":4}})").ok());
  REQUIRE(world.patch_robot("r1", R"({"metadata":{"labels":{"app":"web"}}})").ok());
  CHECK(reader.next(4) == Texts{"PUT r1", "PUT r1", "DELETED r1", "PUT r1"});
}

TEST_CASE("a watch goes on behind a revision across a restart") {
  World world;
  uint64_t revision = 0;
  {
    Reader reader(world, {"shop/Robot", "default"});
    REQUIRE(world.make_robot("r1").ok());
    CHECK(reader.next(1) == Texts{"PUT r1"});
    revision = reader.revision();
  }
  REQUIRE(world.make_robot("r2").ok());
  world.restart();
  REQUIRE(world.make_robot("r3").ok());
  Reader reader(world, {"shop/Robot", "default", "", revision});
  CHECK(reader.next(2) == Texts{"PUT r2", "PUT r3"});
}

TEST_CASE("a watch from before the compaction must list again") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());
  REQUIRE(state::Sync(world.engine()).compact(world.engine().revision()).ok());
  CHECK(world.store().watch(world.alice, {"shop/Robot", "default", "", 2}).error().reason == "state.compacted");
}

TEST_CASE("a reader that is slow loses nothing") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  Reader reader(world, {"shop/Robot", "default"});
  constexpr size_t kChanges = kMaxWatchQueue + 500;
  std::vector<std::future<bool>> done;
  for (size_t i = 0; i < kChanges; ++i) {  // all at once, so that they share the disk's syncs
    auto promise = std::make_shared<std::promise<bool>>();
    done.push_back(promise->get_future());
    state::Txn txn;
    txn.writes.emplace_back(state::Put{status_key(robot_ref("r1")), std::string("\x18\x01", 2)});
    world.engine().txn(std::move(txn), [promise](const auto& reply) { promise->set_value(reply.ok()); });
  }
  for (auto& one : done) REQUIRE(one.get());
  CHECK(reader.next(kChanges).size() == kChanges);
  CHECK(reader.revision() == world.engine().revision());
}

TEST_CASE("there are at most 2000 watches") {
  World world;
  std::vector<std::unique_ptr<Watch>> watches;
  for (size_t i = 0; i < kMaxWatchers; ++i) {
    auto watch = world.store().watch(world.alice, {"shop/Station"});
    REQUIRE(watch.ok());
    watches.push_back(std::move(*watch));
  }
  CHECK(world.store().watch(world.alice, {"shop/Station"}).error().reason == "resource.watchers");
  watches.pop_back();
  CHECK(world.store().watch(world.alice, {"shop/Station"}).ok());
}

TEST_CASE("what an object owned goes after it, unless somebody else owns it too") {
  World world;
  const auto a = world.make_station("a");
  const auto b = world.make_station("b");
  const auto owner = [](const Result<WriteResult>& made) {
    return R"({"kind":"shop/Station","name":")" + made->object.ref.name + R"(","uid":")" + made->object.ref.uid + "\"}";
  };
  REQUIRE(world.make_robot("mine", "{}", "\"owners\":[" + owner(a) + "]").ok());
  REQUIRE(world.make_robot("shared", "{}", "\"owners\":[" + owner(a) + "," + owner(b) + "]").ok());
  REQUIRE(world.make_robot("slow", "{}", "\"finalizers\":[\"shop/x\"],\"owners\":[" + owner(a) + "]").ok());
  CHECK(world.make_robot("bad", "{}", R"("owners":[{"kind":"shop/Station","name":"a","uid":"no"}])").error().message ==
        "metadata.owners[0]: there is no such object");
  REQUIRE(world.store().remove(world.alice, station_ref("a")).ok());
  world.restart();  // what is left to do survives it
  Reader reader(world, {"shop/Robot"});
  Collector collector(world.store(), world.engine());
  auto collected = reader.next(2);
  std::sort(collected.begin(), collected.end());
  CHECK(collected == Texts{"DELETED mine", "PUT slow"});
  CHECK(world.robot("slow")->deleting);
  REQUIRE(world.store().remove(world.alice, station_ref("b")).ok());
  CHECK(reader.next(1) == Texts{"DELETED shared"});
}

TEST_CASE("a reference restricts, cascades or is orphaned") {
  World world;
  CHECK(world.make_robot("r1", R"({"station":"s1"})").error().message ==
        "spec.station: there is no shop/Station \"s1\"");
  REQUIRE(world.make_station("s1").ok());
  REQUIRE(world.make_robot("leader").ok());
  REQUIRE(world.make_robot("friend").ok());
  REQUIRE(world.make_robot("r1", R"({"station":"s1","leader":"leader","friends":["friend"]})").ok());
  const auto refused = world.store().remove(world.alice, station_ref("s1"));
  CHECK(refused.error().reason == "resource.referenced");
  CHECK(refused.error().message ==
        "shop/Station \"s1\" is in use by shop/Robot \"r1\" of tenant default; delete or change that first");

  REQUIRE(world.store().remove(world.alice, robot_ref("friend")).ok());
  REQUIRE(world.store().collect_dependents().ok());
  CHECK(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());  // the orphaned reference does not stand in the way
  CHECK(world.make_robot("r2", R"({"friends":["friend"]})").error().reason == "field.invalid");

  REQUIRE(world.store().remove(world.alice, robot_ref("leader")).ok());
  REQUIRE(world.store().collect_dependents().ok());
  CHECK(world.robot("r1").error().reason == "resource.not-found");
  CHECK(world.store().remove(world.alice, station_ref("s1")).ok());
}

TEST_CASE("who refers to an object needs the right to use it") {
  World world;
  REQUIRE(world.make_station("s1").ok());
  world.authorizer.denied = {"user:alice use shop/Station"};
  CHECK(world.make_robot("r1", R"({"station":"s1"})").error().reason == "auth.denied");
}

TEST_CASE("a tenant goes when it is empty, and default never") {
  World world;
  const ObjectRef tenant{std::string(kTenantKind), "", "other"};
  REQUIRE(world.store().create(world.host, tenant, Body::json("{}")).ok());
  const ObjectRef robot{"shop/Robot", "other", "r1"};
  REQUIRE(world.store().create(world.alice, robot, Body::json("{}")).ok());
  CHECK(world.store().remove(world.host, tenant).error().message ==
        "the tenant other still has robots; delete them first");
  REQUIRE(world.store().remove(world.alice, robot).ok());
  CHECK(world.store().remove(world.host, tenant).ok());
  CHECK(world.store().create(world.alice, robot, Body::json("{}")).error().reason == "resource.unknown-tenant");
  CHECK(world.store().remove(world.host, {std::string(kTenantKind), "", "default"}).error().reason ==
        "resource.tenant-not-empty");
}

TEST_CASE("a contract stays while objects of its kinds are there") {
  World world;
  const ObjectRef contract{std::string(kContractKind), "", "shop-v1"};
  REQUIRE(world.make_robot("r1").ok());
  CHECK(world.store().remove(world.host, contract).error().message == "there are still robots; delete them first");
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  REQUIRE(world.store().remove(world.host, contract).ok());
  CHECK(world.store().schema()->find_kind("shop/Robot") == nullptr);
  CHECK(world.make_robot("r1").error().reason == "resource.unknown-kind");
}

}  // namespace novacron::host::resource
