#include "host/state/snapshotter.h"

#include <mutex>
#include <shared_mutex>

namespace novacron::host::state {
namespace {

constexpr size_t kPageEntries = 512;  // read under one hold of the lock

/// Keeps the versions that the snapshot reads.
class Pin {
 public:
  explicit Pin(SharedMachine& shared) : shared_(shared) { ++shared_.pins; }
  ~Pin() { --shared_.pins; }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  SharedMachine& shared_;
};

struct Start {
  SnapshotHead head;
  std::map<uint64_t, uint64_t> lease_ttls;
  std::map<uint64_t, Session> sessions;
};

Start start_of(const SharedMachine& shared) {
  const Machine& machine = shared.machine;
  Start start;
  start.head = {machine.index(), shared.term, machine.keys().floor(), machine.keys().revision(), shared.members};
  for (const auto& [lease, state] : machine.leases()) start.lease_ttls.emplace(lease, state.ttl_ms);
  start.sessions = machine.sessions();
  return start;
}

Status check(const std::atomic<bool>& cancel) {
  if (!cancel) return {};
  return Error{Code::kCancelled, "the snapshot was given up"};
}

Status add_entries(SnapshotWriter& writer, SharedMachine& shared, Revision floor, const std::atomic<bool>& cancel) {
  KeyRange rest = KeyRange::all();
  RangeReply page;
  do {
    TRY_STATUS(check(cancel));
    {
      std::shared_lock lock(shared.mutex);
      page = shared.machine.keys().range(rest, floor, kPageEntries);
    }
    for (const EntryPtr& entry : page.entries) TRY_STATUS(writer.add_entry(*entry));
    if (page.more) rest.begin = page.entries.back()->key + '\0';
  } while (page.more);
  return {};
}

Status add_changes(SnapshotWriter& writer, SharedMachine& shared, const SnapshotHead& head,
                   const std::atomic<bool>& cancel) {
  for (Revision done = head.floor; done < head.revision;) {
    TRY_STATUS(check(cancel));
    std::vector<ChangePtr> page;
    {
      std::shared_lock lock(shared.mutex);
      page = shared.machine.keys().history(done, std::min<uint64_t>(kPageEntries, head.revision - done));
    }
    for (const ChangePtr& change : page) TRY_STATUS(writer.add_change(*change));
    done = page.back()->revision;
  }
  return {};
}

}  // namespace

Result<SnapshotHead> write_snapshot(FileSystem& files, const std::string& folder, SharedMachine& shared,
                                    const std::atomic<bool>& cancel) {
  std::unique_lock lock(shared.mutex);  // alone: nothing is cleaned between the pin and what it protects
  const Pin pin(shared);
  const Start start = start_of(shared);
  lock.unlock();
  auto writer = TRY(SnapshotWriter::create(files, folder, start.head));
  for (const auto& [lease, ttl_ms] : start.lease_ttls) TRY_STATUS(writer->add_lease(lease, ttl_ms));
  for (const auto& [id, session] : start.sessions) TRY_STATUS(writer->add_session(id, session));
  TRY_STATUS(add_entries(*writer, shared, start.head.floor, cancel));
  TRY_STATUS(add_changes(*writer, shared, start.head, cancel));
  TRY_STATUS(writer->finish());
  return start.head;
}

Status remove_old_snapshots(FileSystem& files, const std::string& folder) {
  auto snapshots = TRY(list_snapshots(files, folder));
  while (snapshots.size() > 1) {
    TRY_STATUS(files.remove(folder + "/" + snapshots.front()));
    snapshots.erase(snapshots.begin());
  }
  return {};
}

}  // namespace novacron::host::state
