#include "host/state/snapshot_transfer.h"

#include <algorithm>

#include "host/base/crc32c.h"

namespace novacron::host::state {
namespace {

constexpr size_t kReadBytes = 1'024 * 1'024;

Result<uint32_t> checksum_of(File& file, uint64_t bytes) {
  uint32_t checksum = 0;
  std::string piece;
  for (uint64_t offset = 0; offset < bytes; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(kReadBytes, bytes - offset));
    if (TRY(file.read_at(offset, piece.data(), piece.size())) != piece.size())
      return Error{Code::kDataLoss, "a snapshot became shorter while it was read", "state.snapshot-damaged"};
    checksum = crc32c(piece, checksum);
  }
  return checksum;
}

}  // namespace

Result<std::shared_ptr<const raft::Snapshot>> SnapshotFile::open(FileSystem& files, const std::string& folder,
                                                                 const SnapshotHead& head) {
  auto file = TRY(files.open(folder + "/" + snapshot_name(head.index), FileSystem::Open::kRead));
  SnapshotId id{.index = head.index, .term = head.term};
  id.bytes = TRY(file->size());
  id.checksum = TRY(checksum_of(*file, id.bytes));
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = head.index;
  snapshot->term = head.term;
  snapshot->membership = head.members;
  snapshot->image = std::make_shared<const SnapshotFile>(std::move(file), id);
  return std::shared_ptr<const raft::Snapshot>(std::move(snapshot));
}

Result<SnapshotChunk> SnapshotFile::chunk_at(uint64_t offset) const {
  SnapshotChunk chunk{id_, offset, {}};
  if (offset >= id_.bytes) return chunk;
  chunk.bytes.resize(std::min<uint64_t>(kSnapshotChunkBytes, id_.bytes - offset));
  chunk.bytes.resize(TRY(file_->read_at(offset, chunk.bytes.data(), chunk.bytes.size())));
  return chunk;
}

Error SnapshotInbox::damaged() {
  file_.reset();
  return {Code::kDataLoss, "a snapshot from another node is damaged", "state.snapshot-damaged"};
}

Result<SnapshotWanted> SnapshotInbox::begin(const SnapshotOffer& offer) {
  const bool is_same = file_ && offer.id == offer_.id;
  offer_ = offer;
  if (is_same) return SnapshotWanted{offer.id, received_};
  received_ = 0;
  checksum_ = 0;
  file_ = TRY(files_.open(path(), FileSystem::Open::kCreate));
  return SnapshotWanted{offer.id, 0};
}

Result<std::optional<SnapshotWanted>> SnapshotInbox::add(const SnapshotChunk& chunk) {
  const bool is_next = file_ && chunk.id == offer_.id && chunk.offset == received_ && !chunk.bytes.empty();
  if (!is_next || chunk.bytes.size() > offer_.id.bytes - received_) return std::optional<SnapshotWanted>();
  TRY_STATUS(file_->write_at(received_, chunk.bytes));
  received_ += chunk.bytes.size();
  checksum_ = crc32c(chunk.bytes, checksum_);
  if (is_whole() && checksum_ != offer_.id.checksum) return damaged();
  return std::optional(SnapshotWanted{offer_.id, received_});
}

Result<SnapshotInbox::Loaded> SnapshotInbox::load() {
  TRY_STATUS(file_->sync());
  Loaded loaded{std::make_unique<Machine>(), {}};
  auto head = load_snapshot(files_, path(), *loaded.machine);
  if (!head.ok() || head->index != offer_.id.index || head->term != offer_.id.term) return damaged();
  loaded.head = *std::move(head);
  loaded.head.members = offer_.members;
  return loaded;
}

Status SnapshotInbox::put_in_place() {
  file_.reset();
  TRY_STATUS(files_.rename(path(), folder_ + "/" + snapshot_name(offer_.id.index)));
  return files_.sync_folder(folder_);
}

}  // namespace novacron::host::state
