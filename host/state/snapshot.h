// Snapshots: the whole state machine in one file, so that the log before it can go.
//
// The file is "NCSTSNP1" and then blocks: u32 checksum, u32 length, so many bytes. A block's checksum is seeded with
// the one before, which makes a chain of them; the last block holds the end item, without which a snapshot is not
// whole. A block is a run of items, each a kind and its fields. History is kept as the state at its floor, then each
// change.
#pragma once

#include <memory>
#include <string>

#include "host/raft/types.h"
#include "host/state/file.h"
#include "host/state/machine.h"

namespace novacron::host::state {

struct SnapshotHead {
  uint64_t index = 0;  ///< of the last entry that it contains
  uint64_t term = 0;
  Revision floor = 0;
  Revision revision = 0;
  raft::Membership members = {};  ///< in force at `index`; none: as when the folder was made
};

/// One thread. Items in this order: leases and sessions, entries by key as of the floor, changes behind it, finish().
class SnapshotWriter final {
 public:
  static Result<std::unique_ptr<SnapshotWriter>> create(FileSystem& files, std::string folder,
                                                        const SnapshotHead& head);
  /// Removes the file unless it was finished.
  ~SnapshotWriter();

  Status add_lease(uint64_t lease, uint64_t ttl_ms);
  Status add_session(uint64_t id, const Session& session);
  Status add_entry(const Entry& entry);
  Status add_change(const Change& change);
  /// It is there under its name, whole and durable.
  Status finish();

 private:
  SnapshotWriter(FileSystem& files, std::string folder, std::string name);
  Status flush_if_full();
  Status flush();

  FileSystem& files_;
  const std::string folder_;
  const std::string name_;
  std::unique_ptr<File> file_;
  std::string block_;
  uint64_t offset_ = 0;
  uint32_t checksum_ = 0;
  uint64_t items_ = 0;
  bool finished_ = false;
};

std::string snapshot_name(uint64_t index);

/// Names of the folder's snapshots, oldest first.
Result<std::vector<std::string>> list_snapshots(FileSystem& files, const std::string& folder);

/// Fills an empty machine. DATA_LOSS "state.snapshot-damaged".
Result<SnapshotHead> load_snapshot(FileSystem& files, const std::string& path, Machine& into);

}  // namespace novacron::host::state
