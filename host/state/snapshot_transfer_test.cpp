#include "host/state/snapshot_transfer.h"

#include "host/state/snapshotter.h"
#include "tests/sim/state_disk.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

/// A snapshot of some megabytes on a disk, and its offer.
struct Source {
  Source() {
    for (uint64_t index = 1; index <= 30; ++index) {
      Txn txn;
      txn.writes.push_back(Put{"k" + std::to_string(index), std::string(100'000, 'x')});
      REQUIRE(shared.machine.apply({index, std::move(txn)}, index).ok());
    }
    shared.term = 3;
    shared.members = {{{1, raft::MemberRole::kVoter}}};
    const auto head = write_snapshot(disk, "data", shared, cancel);
    REQUIRE(head.ok());
    snapshot = *SnapshotFile::open(disk, "data", *head);
  }
  const SnapshotFile& file() const { return dynamic_cast<const SnapshotFile&>(*snapshot->image); }
  SnapshotOffer offer() const { return {3, file().id(), snapshot->membership}; }

  sim::Disk disk;
  SharedMachine shared;
  std::atomic<bool> cancel{false};
  std::shared_ptr<const raft::Snapshot> snapshot;
};

}  // namespace

TEST_CASE("a snapshot that was damaged on its way is given up") {
  Source source;
  sim::Disk disk;
  SnapshotInbox inbox(disk, "data");
  SnapshotWanted wanted = *inbox.begin(source.offer());
  Status ended;
  while (ended.ok()) {
    SnapshotChunk chunk = *source.file().chunk_at(wanted.offset);
    chunk.bytes.back() = static_cast<char>(chunk.bytes.back() ^ 1);
    auto next = inbox.add(chunk);
    if (next.ok())
      wanted = **next;
    else
      ended = next.error();
  }
  CHECK(ended.error().reason == "state.snapshot-damaged");
  CHECK(inbox.begin(source.offer())->offset == 0);
}

TEST_CASE("pieces of another time, and of another snapshot, are passed over") {
  Source source;
  sim::Disk disk;
  SnapshotInbox inbox(disk, "data");
  CHECK_FALSE(inbox.add(*source.file().chunk_at(0))->has_value());
  REQUIRE(inbox.begin(source.offer()).ok());
  REQUIRE(inbox.add(*source.file().chunk_at(0))->has_value());
  CHECK_FALSE(inbox.add(*source.file().chunk_at(0))->has_value());
  SnapshotChunk other = *source.file().chunk_at(kSnapshotChunkBytes);
  ++other.id.checksum;
  CHECK_FALSE(inbox.add(other)->has_value());
  SnapshotChunk too_long = *source.file().chunk_at(kSnapshotChunkBytes);
  too_long.bytes.resize(source.file().id().bytes);
  CHECK_FALSE(inbox.add(too_long)->has_value());
  CHECK(source.file().chunk_at(source.file().id().bytes)->bytes.empty());
}

TEST_CASE("a snapshot goes on where it was when it is offered again, and is the same in the end") {
  Source source;
  sim::Disk disk;
  SnapshotInbox inbox(disk, "data");
  SnapshotWanted wanted = *inbox.begin(source.offer());
  CHECK(wanted.offset == 0);
  wanted = **inbox.add(*source.file().chunk_at(0));
  SnapshotOffer by_another_leader = source.offer();
  by_another_leader.leader_term = 4;
  CHECK(inbox.begin(by_another_leader)->offset == kSnapshotChunkBytes);
  while (!inbox.is_whole()) wanted = **inbox.add(*source.file().chunk_at(wanted.offset));
  CHECK(inbox.offer().leader_term == 4);
  const auto loaded = inbox.load();
  REQUIRE(loaded.ok());
  CHECK(loaded->head.index == 30);
  CHECK(loaded->head.term == 3);
  CHECK(loaded->head.members == source.snapshot->membership);
  CHECK(loaded->machine->keys().live_keys() == 30);
  REQUIRE(inbox.put_in_place().ok());
  CHECK(disk.read("data/" + snapshot_name(30)) == source.disk.read("data/" + snapshot_name(30)));

  SnapshotOffer other = source.offer();
  ++other.id.checksum;
  CHECK(inbox.begin(other)->offset == 0);
}
