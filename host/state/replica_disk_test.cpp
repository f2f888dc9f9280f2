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
  CHECK(Replica::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.locked");
  fixture.engine.reset();
  fixture.disk.write("data/format", "novacron-state 3\n");
  auto newer = Replica::open(fixture.disk, fixture.clock, fixture.options);
  CHECK(newer.error().reason == "state.format");
  CHECK(newer.code() == Code::kFailedPrecondition);
  REQUIRE(fixture.disk.remove("data/format").ok());
  CHECK(Replica::open(fixture.disk, fixture.clock, fixture.options).code() == Code::kDataLoss);
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
    REQUIRE(Replica::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
    fixture.disk.write(path, intact.substr(0, byte));
    REQUIRE(Replica::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
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

namespace {

/// tests/fixtures/state/format-1, its files without ".bin": a folder as the version wrote it that knew one node alone,
/// killed while it ran. Lease 1 holds "leased"; session 23 has put "once" by its first transaction, before the
/// snapshot, and "twice" by its second.
void copy_format_1(sim::Disk& disk) {
  for (const auto& file : std::filesystem::directory_iterator(NOVACRON_FIXTURES "/format-1"))
    disk.write("data/" + file.path().stem().string(), *read_file(posix_files(), file.path().string()));
}

}  // namespace

TEST_CASE("a folder that one node alone has written opens, with its history, leases and sessions, and goes on") {
  Fixture fixture;
  fixture.engine.reset();
  for (const std::string& path : fixture.disk.paths()) REQUIRE(fixture.disk.remove(path).ok());
  copy_format_1(fixture.disk);
  for (int times = 0; times < 3; ++times) {
    fixture.reopen();
    CHECK(fixture.engine->status().keys == 42);
    CHECK(fixture.value("k/3") == "(absent)");
    CHECK(fixture.value("k/5") == "before the snapshot");
    CHECK(fixture.value("k/15") == "behind the snapshot");
    CHECK(fixture.engine->status().leases == 1);
    Txn txn = txn_of({}, {Put{"twice", "again"}});
    txn.session = 23;
    txn.sequence = 2;
    CHECK(fixture.sync().txn(txn)->revision == 55);
    CHECK(fixture.value("twice") == "2");
    CHECK(fixture.put("new", "x") == 56 + 2 * static_cast<Revision>(times));
    REQUIRE(fixture.sync().remove(KeyRange::one("new")).ok() == true);
    if (times == 1) REQUIRE(fixture.engine->snapshot().ok());
  }
  CHECK(fixture.disk.read("data/format") == "novacron-state 2\n");
  REQUIRE(fixture.sync().revoke_lease(1).ok());
  CHECK(fixture.value("leased") == "(absent)");
}

TEST_CASE("the folder of another format 1 state that is cut at the end opens with what is whole") {
  Fixture fixture;
  fixture.engine.reset();
  for (const std::string& path : fixture.disk.paths()) REQUIRE(fixture.disk.remove(path).ok());
  copy_format_1(fixture.disk);
  const std::string last = "data/log-00000000000000000040";
  const std::string whole = fixture.disk.read(last);
  fixture.disk.write(last, whole.substr(0, 400) + std::string(whole.size() - 400, '\0'));
  fixture.reopen();
  CHECK(fixture.value("twice") == "(absent)");
  CHECK(fixture.value("k/15") == "behind the snapshot");
  CHECK(fixture.put("new", "x") > 40);
}

TEST_CASE("the engine works on a real disk, and is locked there too") {
  std::string folder = std::filesystem::temp_directory_path() / "state_test.XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const Replica::Options options{.folder = folder + "/deep/data", .segment_bytes = 64 * 1'024};
  {
    auto engine = Replica::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    auto second = Replica::open(posix_files(), system_clock(), options);
    CHECK(second.error().reason == "state.locked");
    CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
    for (int each = 0; each < 500; ++each)
      REQUIRE(Sync(**engine).put("k" + std::to_string(each), std::string(500, 'x')).ok());
    REQUIRE((*engine)->snapshot().ok());
    REQUIRE(Sync(**engine).put("last", "x").ok());
  }
  {
    auto engine = Replica::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    CHECK((*engine)->status().keys == 501);
    CHECK((*engine)->revision() == 502);
  }
  std::filesystem::remove_all(folder);
}
