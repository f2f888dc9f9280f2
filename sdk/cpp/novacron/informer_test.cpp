// The cached watch and the reconciler's queue, against resources in memory.
#include "novacron/informer.h"

#include <catch2/catch.hpp>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/reconciler.h"
#include "novacron/testing/host.h"
#include "novacron/testing/resources.h"

using namespace novacron::compute::v1;
using novacron::Again;
using novacron::Code;
using novacron::Error;
using novacron::Informer;
using novacron::Reconciler;
using novacron::ResourceKey;
using novacron::Result;

namespace {

const ResourceKey kWeb1{.tenant = "default", .name = "web1"};
const ResourceKey kWeb2{.tenant = "default", .name = "web2"};
const novacron::InformerOptions kQuick{.backoff_min_ns = 1'000'000, .backoff_max_ns = 4'000'000};

VirtualMachineSpec cpus(uint32_t count) {
  return {.cpus = count};
}

struct Fixture {
  Fixture() { host.provide(resources); }
  bool reaches(const Informer<VirtualMachine>& informer) {
    return host.run_until([&] { return informer.is_synced() && informer.revision() >= resources.revision(); });
  }

  novacron::testing::Resources resources;
  novacron::testing::Host host;
};

}  // namespace

TEST_CASE("an informer has what was there, what comes, changes and goes", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  std::vector<std::string> told;
  informer.on_change([&](const ResourceKey& key) { told.push_back(to_string(key)); });
  CHECK_FALSE(informer.is_synced());
  informer.start();
  REQUIRE(f.host.run_until([&] { return told.size() == 1; }));
  REQUIRE(informer.get(kWeb1) != nullptr);
  CHECK(informer.get(kWeb1)->spec.cpus == 1U);
  CHECK(informer.get(kWeb1)->metadata.generation == 1);

  f.resources.put<VirtualMachine>(kWeb2, cpus(2));
  REQUIRE(f.host.run_until([&] { return informer.get(kWeb2) != nullptr; }));
  CHECK(informer.list().size() == 2);
  f.resources.put_status<VirtualMachine>(kWeb2, {.node = "node1"});
  REQUIRE(f.host.run_until([&] { return informer.get(kWeb2)->status.node == "node1"; }));
  f.resources.erase<VirtualMachine>(kWeb1);
  REQUIRE(f.host.run_until([&] { return informer.get(kWeb1) == nullptr; }));
  REQUIRE(f.host.run_until([&] { return !told.empty() && told.back() == "default/web1"; }));
}

TEST_CASE("an informer sees its selector's objects alone", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1), {{"app", "web"}});
  f.resources.put<VirtualMachine>(kWeb2, cpus(1), {{"app", "db"}});
  auto options = kQuick;
  options.label_selector = "app=web";
  Informer<VirtualMachine> informer(f.host.client(), options);
  informer.start();
  REQUIRE(f.host.run_until([&] { return informer.is_synced(); }));
  CHECK(informer.get(kWeb1) != nullptr);
  CHECK(informer.get(kWeb2) == nullptr);
}

TEST_CASE("an interrupted watch goes on where it was", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  informer.start();
  REQUIRE(f.reaches(informer));
  REQUIRE(f.host.run_until([&] { return f.resources.watchers() == 1; }));
  f.resources.fail_next("Watch", {.code = Code::kUnavailable}, 3);
  f.resources.fail_next("List", {.code = Code::kInternal, .message = "there is no need to list again"});
  f.resources.break_watches({.code = Code::kUnavailable});
  f.resources.put<VirtualMachine>(kWeb1, cpus(2));
  REQUIRE(f.host.run_until([&] { return informer.get(kWeb1)->spec.cpus == 2U; }));
  for (const auto& record : f.host.logs()) CHECK(record.event == "watch interrupted");
}

TEST_CASE("after a compaction everything is listed again, and what differs is told", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  f.resources.put<VirtualMachine>(kWeb2, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  std::vector<std::string> told;
  informer.on_change([&](const ResourceKey& key) { told.push_back(key.name); });
  informer.start();
  REQUIRE(f.host.run_until([&] { return told.size() == 2; }));
  REQUIRE(f.host.run_until([&] { return f.resources.watchers() == 1; }));
  f.resources.fail_next("Watch", {.code = Code::kUnavailable}, 2);
  f.resources.break_watches({.code = Code::kUnavailable});
  f.resources.erase<VirtualMachine>(kWeb1);
  f.resources.compact();
  REQUIRE(f.reaches(informer));
  CHECK(informer.get(kWeb1) == nullptr);
  REQUIRE(f.host.run_until([&] { return told.size() == 3; }));
  CHECK(told.back() == "web1");
}

TEST_CASE("an informer waits for resources that are not there yet", "[informer]") {
  novacron::testing::Resources resources;
  resources.put<VirtualMachine>(kWeb1, cpus(1));
  novacron::testing::Host host;
  Informer<VirtualMachine> informer(host.client(), kQuick);
  informer.start();
  REQUIRE(host.run_until([&] { return !host.logs().empty(); }));
  CHECK_FALSE(informer.is_synced());
  host.provide(resources);
  CHECK(host.run_until([&] { return informer.is_synced(); }));
}

TEST_CASE("a stopped informer goes on after start, and tells what changed meanwhile", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  int told = 0;
  informer.on_change([&](const ResourceKey&) { ++told; });
  informer.start();
  REQUIRE(f.host.run_until([&] { return told == 1; }));
  informer.stop();
  CHECK(f.host.run_until([&] { return f.resources.watchers() == 0; }));
  f.resources.put<VirtualMachine>(kWeb1, cpus(2));
  CHECK(informer.get(kWeb1)->spec.cpus == 1U);
  informer.start();
  REQUIRE(f.host.run_until([&] { return told == 2; }));
  CHECK(informer.get(kWeb1)->spec.cpus == 2U);
}

TEST_CASE("an informer with more objects than it may cache asks for quarantine", "[informer]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  f.resources.put<VirtualMachine>(kWeb2, cpus(1));
  auto options = kQuick;
  options.max_objects = 1;
  Informer<VirtualMachine> informer(f.host.client(), options);
  informer.start();
  CHECK(f.host.run_until([&] { return f.host.fatals().size() == 1; }));
  CHECK_FALSE(informer.is_synced());
}

TEST_CASE("typed clients create, update, conflict and delete", "[resource]") {
  Fixture f;
  const novacron::ResourceClient<VirtualMachine> client(f.host.client());
  novacron::Resource<VirtualMachine> wanted;
  wanted.metadata = {.name = "web1", .tenant = "default"};
  wanted.spec = cpus(4);
  auto created = client.create(wanted);
  REQUIRE(created.ok());
  CHECK(client.create(wanted).code() == Code::kAlreadyExists);
  auto stale = *created;
  created->status.node = "node1";
  REQUIRE(client.update_status(*created).ok());
  stale.status_revision = 1'000;
  CHECK(client.update_status(stale).error().reason == "resource.conflict");
  REQUIRE(client.add_finalizer(*created, "x/y").ok());
  REQUIRE(client.remove(kWeb1).ok());
  const auto deleted = client.get(kWeb1);
  REQUIRE(deleted.ok());
  CHECK(deleted->is_deleted());
  CHECK(deleted->spec.cpus == 4U);
  CHECK(client.list()->items.size() == 1);
  REQUIRE(client.remove_finalizer(*deleted, "x/y").ok());
  CHECK(client.get(kWeb1).error().reason == "resource.not-found");
}

TEST_CASE("a list has all pages, smaller ones where a page is too large", "[resource]") {
  Fixture f;
  for (int i = 0; i < 1'203; ++i)
    f.resources.put<VirtualMachine>({"default", "m" + std::to_string(10'000 + i)}, cpus(1));
  const novacron::ResourceClient<VirtualMachine> client(f.host.client());
  f.resources.fail_next("List", {.code = Code::kResourceExhausted}, 4);
  const auto all = client.list();
  REQUIRE(all.ok());
  REQUIRE(all->items.size() == 1'203);
  for (int i = 0; i < 1'203; ++i) CHECK(all->items[i].metadata.name == "m" + std::to_string(10'000 + i));
  CHECK(f.host.calls().size() == 4 + 39);  // pages of 500 halved four times: 31
  f.resources.fail_next("List", {.code = Code::kResourceExhausted}, 100);
  CHECK(client.list().code() == Code::kResourceExhausted);
}

TEST_CASE("a key waits until the cache has the plugin's own last write", "[reconciler]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  std::vector<std::string> seen;
  Reconciler reconciler(f.host.client(), [&](const ResourceKey& key) -> Result<Again> {
    const auto machine = informer.get(key);
    seen.push_back(machine->status.node);
    auto next = *machine;
    next.status.node = std::to_string(seen.size());
    // The watch is held up, so the cache does not see the write for a while.
    if (seen.size() < 5) f.resources.break_watches({.code = Code::kUnavailable});
    if (seen.size() < 5) NC_TRY(informer.client().update_status(next));
    return Again{};
  });
  reconciler.follow(informer);
  reconciler.start();
  informer.start();
  REQUIRE(f.host.run_until([&] { return seen.size() == 5; }));
  CHECK(seen == std::vector<std::string>{"", "1", "2", "3", "4"});
  informer.stop();
  reconciler.stop();
}

TEST_CASE("a key is not run before a bookmark or change has passed its write", "[reconciler]") {
  Fixture f;
  f.resources.put<VirtualMachine>(kWeb1, cpus(1));
  Informer<VirtualMachine> informer(f.host.client(), kQuick);
  informer.start();
  REQUIRE(f.reaches(informer));
  informer.stop();
  CHECK(informer.is_current(kWeb1));
  auto machine = *informer.get(kWeb1);
  REQUIRE(informer.client().update_status(machine).ok());
  CHECK_FALSE(informer.is_current(kWeb1));
  CHECK(informer.is_current(kWeb2));
  informer.start();
  REQUIRE(f.reaches(informer));
  CHECK(informer.is_current(kWeb1));
}

TEST_CASE("a key is queued once, and runs again when it is added while it runs", "[reconciler]") {
  novacron::testing::Host host;
  int runs = 0;
  Reconciler* self = nullptr;
  Reconciler reconciler(host.client(), [&](const ResourceKey& key) -> Result<Again> {
    if (++runs == 1) {
      self->add(key);
      self->add(key);
    }
    return Again{};
  });
  self = &reconciler;
  reconciler.start();
  for (int i = 0; i < 10; ++i) CHECK(reconciler.add(kWeb1));
  host.run_until_idle();
  CHECK(runs == 2);
  CHECK(reconciler.size() == 0);
}

TEST_CASE("a failing key comes back later each time, and at once when it changes", "[reconciler]") {
  novacron::testing::Host host;
  std::vector<uint64_t> runs_ms;
  bool fails = true;
  Reconciler reconciler(host.client(),
                        [&](const ResourceKey&) -> Result<Again> {
                          runs_ms.push_back((host.now_ns() - 1'000'000'000) / 1'000'000);
                          if (fails) return Error{.code = Code::kUnavailable, .message = "not yet"};
                          return Again{};
                        },
                        {.backoff_min_ns = 100'000'000, .backoff_max_ns = 400'000'000});
  reconciler.start();
  reconciler.add(kWeb1);
  const auto run_for_ms = [&](int ms) {
    for (int i = 0; i < ms; ++i) {
      host.run_until_idle();
      host.advance(1'000'000);
    }
  };
  run_for_ms(1'600);
  CHECK(runs_ms == std::vector<uint64_t>{0, 100, 300, 700, 1'100, 1'500});
  fails = false;
  reconciler.add(kWeb1);
  run_for_ms(1'000);
  CHECK(runs_ms.size() == 7);
  CHECK(runs_ms.back() == 1'600);
  CHECK(reconciler.size() == 0);
}

TEST_CASE("an error's advice goes before the backoff, and Again asks for a later run", "[reconciler]") {
  novacron::testing::Host host;
  std::vector<uint64_t> runs_ns;
  Reconciler reconciler(host.client(), [&](const ResourceKey&) -> Result<Again> {
    runs_ns.push_back(host.now_ns() - 1'000'000'000);
    if (runs_ns.size() == 1)
      return Error{.code = Code::kUnavailable, .message = "busy", .retry_after_ns = 5'000'000'000};
    return Again{.after_ns = runs_ns.size() == 2 ? 1'000U : 0U};
  });
  reconciler.start();
  reconciler.add(kWeb1);
  for (const uint64_t step_ns :
       {uint64_t{0}, uint64_t{4'999'999'999}, uint64_t{1}, uint64_t{1'000}, uint64_t{10'000}}) {
    host.advance(step_ns);
    host.run_until_idle();
  }
  CHECK(runs_ns == std::vector<uint64_t>{0, 5'000'000'000, 5'000'001'000});
}

TEST_CASE("a reconciler takes no more keys than its limit, and survives an exception", "[reconciler]") {
  novacron::testing::Host host;
  int runs = 0;
  Reconciler reconciler(host.client(),
                        [&](const ResourceKey&) -> Result<Again> {
                          if (++runs == 1) throw std::runtime_error("thrown");
                          return Again{};
                        },
                        {.max_keys = 1});
  CHECK(reconciler.add(kWeb1));
  CHECK_FALSE(reconciler.add(kWeb2));
  reconciler.start();
  host.run_until_idle();
  host.advance(1'000'000'000);
  host.run_until_idle();
  CHECK(runs == 2);
  CHECK(reconciler.add(kWeb2));
}

TEST_CASE("a stopped reconciler keeps its keys for its next start", "[reconciler]") {
  novacron::testing::Host host;
  std::vector<std::string> ran;
  Reconciler reconciler(host.client(), [&](const ResourceKey& key) -> Result<Again> {
    ran.push_back(key.name);
    return Again{};
  });
  reconciler.start();
  reconciler.add(kWeb1);
  reconciler.add_after(kWeb2, 1'000);
  reconciler.stop();
  host.advance(5'000);
  host.run_until_idle();
  CHECK(ran.empty());
  reconciler.start();
  host.run_until_idle();
  CHECK(ran == std::vector<std::string>{"web1", "web2"});
}
