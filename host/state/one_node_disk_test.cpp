// The engine and its folder: formats, damage, snapshots, a disk that is full or fails.
#include "tests/sim/state_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

using namespace novacron::host;
using namespace novacron::host::state;
using Fixture = sim::EngineFixture;
using sim::txn_of;

TEST_CASE("a second engine on the folder is refused, and so is a folder of another format") {
  Fixture fixture;
  CHECK(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.locked");
  fixture.engine.reset();
  fixture.disk.write("data/format", "novacron-state 2\n");
  auto newer = OneNode::open(fixture.disk, fixture.clock, fixture.options);
  CHECK(newer.error().reason == "state.format");
  CHECK(newer.code() == Code::kFailedPrecondition);
  REQUIRE(fixture.disk.remove("data/format").ok());
  CHECK(OneNode::open(fixture.disk, fixture.clock, fixture.options).code() == Code::kDataLoss);
}

TEST_CASE("a damaged snapshot is refused wherever the damage is") {
  Fixture fixture;
  const Lease lease = *fixture.sync().grant_lease(1'000);
  for (int each = 0; each < 5; ++each) fixture.put("k" + std::to_string(each % 3), "value", lease.id);
  REQUIRE(fixture.sync().open_session().ok());
  REQUIRE(fixture.sync().compact(4).ok());
  REQUIRE(fixture.engine->snapshot().ok());
  fixture.engine.reset();
  std::string path;
  for (const std::string& each : fixture.disk.paths())
    if (each.starts_with("data/snapshot-")) path = each;
  const std::string intact = fixture.disk.read(path);
  for (size_t byte = 0; byte < intact.size(); ++byte) {
    INFO("byte " << byte);
    std::string damaged = intact;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    fixture.disk.write(path, damaged);
    REQUIRE(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
    fixture.disk.write(path, intact.substr(0, byte));
    REQUIRE(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
  }
  fixture.disk.write(path, intact);
  fixture.reopen();
  CHECK(fixture.engine->status().keys == 3);
}

TEST_CASE("snapshots while writing: what is read back is what was written, and the log becomes short") {
  Fixture fixture([](auto& options) { options.snapshot_after_bytes = 50'000; });
  std::atomic<bool> stop{false};
  std::thread ticker([&] {
    while (!stop) fixture.engine->tick();
  });
  std::map<std::string, std::string> model;
  for (int each = 0; each < 3'000; ++each) {
    const std::string key = "k" + std::to_string(each % 50);
    model[key] = std::to_string(each) + std::string(100, 'x');
    fixture.put(key, model[key]);
  }
  stop = true;
  ticker.join();
  REQUIRE(fixture.engine->snapshot().ok());
  const Revision revision = fixture.engine->revision();
  fixture.reopen();
  CHECK(fixture.engine->revision() == revision);
  for (const auto& [key, value] : model) CHECK(fixture.value(key) == value);
  size_t snapshots = 0;
  size_t segments = 0;
  for (const std::string& path : fixture.disk.paths()) {
    snapshots += path.starts_with("data/snapshot-") ? 1 : 0;
    segments += path.starts_with("data/log-") ? 1 : 0;
  }
  CHECK(snapshots == 1);
  CHECK(segments <= 3);  // of about ten that were written
}

TEST_CASE("on a full disk the state is read-only with an alarm, and recovers by itself") {
  Fixture fixture;
  fixture.put("a", "1");
  const Lease lease = *fixture.sync().grant_lease(1'000);
  fixture.put("leased", "x", lease.id);
  fixture.disk.set_capacity(0);
  Status refused;
  for (int each = 0; each < 10'000 && refused.ok(); ++each) {
    auto put = fixture.sync().put("filler", std::string(5'000, 'x'));
    if (!put.ok()) refused = put.error();
  }
  REQUIRE(refused.code() == Code::kResourceExhausted);
  CHECK(refused.error().reason == "state.disk-full");
  CHECK(refused.error().retry_after_ns > 0);
  CHECK_FALSE(fixture.engine->status().writable);
  CHECK(fixture.value("a") == "1");
  fixture.clock.advance_ms(2'000);
  fixture.engine->tick();
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).error().reason == "state.disk-full");
  // What the engine itself must write still fits.
  for (int times = 0; times < 100'000 && fixture.value("leased") != "(absent)"; ++times) std::this_thread::yield();
  CHECK(fixture.value("leased") == "(absent)");

  fixture.disk.set_capacity(UINT64_MAX);
  for (int times = 0; times < 10'000 && !fixture.engine->status().writable; ++times) {
    fixture.engine->tick();
    std::this_thread::yield();
  }
  REQUIRE(fixture.engine->status().writable);
  fixture.put("a", "2");
  fixture.reopen();
  CHECK(fixture.value("a") == "2");
}

TEST_CASE("a failed sync is fatal: it is said once, and no change is taken any more") {
  std::vector<Error> fatal;
  Fixture fixture([&](auto& options) { options.on_fatal = [&](const Error& error) { fatal.push_back(error); }; });
  fixture.put("a", "1");
  fixture.disk.fail_next_sync();
  auto put = fixture.sync().put("a", "2");
  CHECK(put.code() == Code::kUnavailable);
  CHECK(put.error().reason == "state.failed");
  CHECK(fixture.sync().put("a", "3").error().reason == "state.failed");
  CHECK(fixture.value("a") == "1");
  fixture.engine.reset();
  CHECK(fatal.size() == 1);
}

TEST_CASE("a state that has reached its size takes no puts, but can be made smaller") {
  Fixture fixture([](auto& options) { options.max_bytes = 10'000; });
  Status refused;
  for (int each = 0; each < 100 && refused.ok(); ++each) {
    auto put = fixture.sync().put("k" + std::to_string(each), std::string(1'000, 'x'));
    if (!put.ok()) refused = put.error();
  }
  CHECK(refused.error().reason == "state.full");
  REQUIRE(fixture.sync().remove(KeyRange::prefix("k")).ok());
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).ok());
  fixture.engine->tick();
  CHECK(fixture.sync().put("k", "x").ok());
}

TEST_CASE("what was proposed before the end is done; what comes later is told so") {
  Fixture fixture;
  std::atomic<int> done{0};
  for (int each = 0; each < 500; ++each)
    fixture.engine->txn(txn_of({}, {Put{"k" + std::to_string(each), "x"}}), [&](Result<TxnReply> reply) {
      if (reply.ok()) ++done;
    });
  fixture.engine.reset();
  CHECK(done == 500);
  fixture.reopen();
  CHECK(fixture.engine->status().keys == 500);
}

TEST_CASE("the engine works on a real disk, and is locked there too") {
  std::string folder = std::filesystem::temp_directory_path() / "state_test.XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const OneNode::Options options{.folder = folder + "/deep/data", .segment_bytes = 64 * 1'024};
  {
    auto engine = OneNode::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    auto second = OneNode::open(posix_files(), system_clock(), options);
    CHECK(second.error().reason == "state.locked");
    CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
    for (int each = 0; each < 500; ++each)
      REQUIRE(Sync(**engine).put("k" + std::to_string(each), std::string(500, 'x')).ok());
    REQUIRE((*engine)->snapshot().ok());
    REQUIRE(Sync(**engine).put("last", "x").ok());
  }
  {
    auto engine = OneNode::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    CHECK((*engine)->status().keys == 501);
    CHECK((*engine)->revision() == 502);
  }
  std::filesystem::remove_all(folder);
}
