// Snapshots on their way between nodes: the file of one becomes the file of another, in pieces that the receiver asks
// for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/raft/core.h"
#include "host/state/machine.h"
#include "host/state/peer_frame.h"
#include "host/state/snapshot.h"

namespace novacron::host::state {

/// A snapshot's file, open for as long as somebody may want it: also when a newer one has taken its place.
class SnapshotFile final : public raft::SnapshotImage {
 public:
  /// Reads all of it, for its checksum.
  static Result<std::shared_ptr<const raft::Snapshot>> open(FileSystem& files, const std::string& folder,
                                                            const SnapshotHead& head);
  SnapshotFile(std::unique_ptr<File> file, SnapshotId id) : file_(std::move(file)), id_(id) {}

  const SnapshotId& id() const { return id_; }
  /// One thread.
  Result<SnapshotChunk> chunk_at(uint64_t offset) const;

 private:
  const std::unique_ptr<File> file_;
  const SnapshotId id_;
};

/// The snapshot that arrives here. One thread. What has come stays when the link breaks or the leader changes, if that
/// one offers the same bytes.
class SnapshotInbox final {
 public:
  SnapshotInbox(FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  /// What to ask for.
  Result<SnapshotWanted> begin(const SnapshotOffer& offer);
  /// Nothing: the chunk is of another time. DATA_LOSS "state.snapshot-damaged".
  Result<std::optional<SnapshotWanted>> add(const SnapshotChunk& chunk);
  bool is_whole() const { return file_ && received_ == offer_.id.bytes; }
  const SnapshotOffer& offer() const { return offer_; }

  struct Loaded {
    std::unique_ptr<Machine> machine;
    SnapshotHead head;
  };
  /// Of one that is whole: what is in it. DATA_LOSS "state.snapshot-damaged": it starts anew.
  Result<Loaded> load();
  /// Gives it its name in the folder.
  Status put_in_place();

 private:
  std::string path() const { return folder_ + "/incoming.tmp"; }
  Error damaged();

  FileSystem& files_;
  const std::string folder_;
  SnapshotOffer offer_;
  std::unique_ptr<File> file_;  ///< null: nothing is on its way
  uint64_t received_ = 0;
  uint32_t checksum_ = 0;  ///< of what was received
};

}  // namespace novacron::host::state
