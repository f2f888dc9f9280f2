#include "host/state/snapshot.h"

#include <cstdio>

#include "host/base/crc32c.h"
#include "host/raft/membership.h"
#include "host/state/coding.h"

namespace novacron::host::state {
namespace {

constexpr std::string_view kMagic = "NCSTSNP1";
constexpr std::string_view kPrefix = "snapshot-";
constexpr size_t kBlockBytes = 256 * 1'024;            // flushed from here on
constexpr size_t kMaxBlockBytes = 64 * 1'024 * 1'024;  // what a reader believes
constexpr size_t kBlockHeaderBytes = 8;

enum Item : uint8_t { kHead = 1, kLease = 2, kSession = 3, kEntry = 4, kChange = 5, kEnd = 6, kMembers = 7 };

void encode_entry(Writer& out, const Entry& entry) {
  out.bytes(entry.key);
  out.bytes(entry.value);
  out.varint(entry.create_revision);
  out.varint(entry.mod_revision);
  out.varint(entry.version);
  out.varint(entry.lease);
}

EntryPtr decode_entry(Reader& in) {
  Entry entry;
  entry.key = in.bytes();
  entry.value = in.bytes();
  entry.create_revision = in.varint();
  entry.mod_revision = in.varint();
  entry.version = in.varint();
  entry.lease = in.varint();
  return std::make_shared<const Entry>(std::move(entry));
}

/// Reads the blocks of one snapshot into a machine.
class Loader {
 public:
  Loader(std::unique_ptr<File> file, std::string path, Machine& into)
      : file_(std::move(file)), path_(std::move(path)), machine_(into) {}

  Result<SnapshotHead> load() {
    std::string magic(kMagic.size(), '\0');
    magic.resize(TRY(file_->read_at(0, magic.data(), magic.size())));
    if (magic != kMagic) return damaged("its head");
    offset_ = kMagic.size();
    while (!ended_) TRY_STATUS(load_block());
    if (machine_.keys().revision() != head_.revision) return damaged("its revision");
    machine_.restore_lease_keys();
    return head_;
  }

 private:
  Error damaged(const std::string& what) const {
    return {Code::kDataLoss,
            "the snapshot " + path_ + " is damaged (" + what +
                "), and the log before it is gone: put back a copy of the folder, or take the state from another node",
            "state.snapshot-damaged"};
  }

  Status load_block() {
    char header[kBlockHeaderBytes];
    if (TRY(file_->read_at(offset_, header, sizeof header)) < sizeof header) return damaged("cut off");
    const auto checksum = load_fixed<uint32_t>(header);
    const auto length = load_fixed<uint32_t>(header + 4);
    if (length == 0 || length > kMaxBlockBytes) return damaged("offset " + std::to_string(offset_));
    block_.resize(length);
    if (TRY(file_->read_at(offset_ + kBlockHeaderBytes, block_.data(), length)) < length) return damaged("cut off");
    if (crc32c(block_, crc32c({header + 4, 4}, checksum_)) != checksum)
      return damaged("offset " + std::to_string(offset_));
    checksum_ = checksum;
    Reader in(block_);
    while (!in.at_end()) TRY_STATUS(load_item(in));
    offset_ += kBlockHeaderBytes + length;
    return {};
  }

  Status load_item(Reader& in) {
    const uint8_t kind = in.byte();
    if (ended_ || (kind == kHead) != (items_ == 0)) return damaged("order of items");
    ++items_;
    if (kind == kHead) {
      load_head(in);
    } else if (kind == kLease) {
      const uint64_t lease = in.varint();
      machine_.restore_lease(lease, in.varint());
    } else if (kind == kSession) {
      load_session(in);
    } else if (kind == kEntry) {
      auto entry = decode_entry(in);
      if (!in.ok() || entry->key.empty()) return damaged("an entry");
      machine_.keys().restore_entry(std::move(entry));
    } else if (kind == kChange) {
      TRY_STATUS(load_change(in));
    } else if (kind == kMembers) {
      auto members = raft::decode_membership(in.bytes());
      if (!members.ok()) return damaged("the members");
      head_.members = *std::move(members);
    } else if (kind == kEnd) {
      if (in.varint() != items_ - 1) return damaged("count of items");
      ended_ = true;
    } else {
      return damaged("an item of unknown kind");
    }
    return in.ok() ? Status() : damaged("an item");
  }

  void load_head(Reader& in) {
    head_.index = in.varint();
    head_.term = in.varint();
    head_.floor = in.varint();
    head_.revision = in.varint();
    machine_.restore_index(head_.index);
    machine_.keys().restore_floor(head_.floor);
  }

  void load_session(Reader& in) {
    const uint64_t id = in.varint();
    Session session;
    session.used_index = in.varint();
    session.forgotten = in.varint();
    for (size_t left = in.count(); left > 0; --left) {
      const uint64_t sequence = in.varint();
      Outcome& outcome = session.replies[sequence];
      outcome.succeeded = in.byte() != 0;
      outcome.revision = in.varint();
    }
    machine_.restore_session(id, std::move(session));
  }

  Status load_change(Reader& in) {
    const Revision revision = in.varint();
    const uint64_t time_ns = in.varint();
    if (!in.ok() || revision != machine_.keys().revision() + 1) return damaged("order of changes");
    std::vector<std::pair<std::string, EntryPtr>> entries;
    for (size_t left = in.count(); left > 0 && in.ok(); --left) {
      if (in.byte() == 0) {
        entries.emplace_back(in.bytes(), nullptr);
        if (!machine_.keys().find(entries.back().first)) return damaged("a removal");
      } else {
        auto entry = decode_entry(in);
        entries.emplace_back(entry->key, std::move(entry));
      }
    }
    if (in.ok()) machine_.keys().restore_change(revision, time_ns, std::move(entries));
    return {};
  }

  const std::unique_ptr<File> file_;
  const std::string path_;
  Machine& machine_;
  SnapshotHead head_;
  std::string block_;
  uint64_t offset_ = 0;
  uint32_t checksum_ = 0;
  uint64_t items_ = 0;
  bool ended_ = false;
};

}  // namespace

SnapshotWriter::SnapshotWriter(FileSystem& files, std::string folder, std::string name)
    : files_(files), folder_(std::move(folder)), name_(std::move(name)) {}

SnapshotWriter::~SnapshotWriter() {
  if (!finished_) (void)files_.remove(folder_ + "/" + name_ + ".tmp");
}

Result<std::unique_ptr<SnapshotWriter>> SnapshotWriter::create(FileSystem& files, std::string folder,
                                                               const SnapshotHead& head) {
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(files, std::move(folder), snapshot_name(head.index)));
  const std::string path = writer->folder_ + "/" + writer->name_ + ".tmp";
  writer->file_ = TRY(files.open(path, FileSystem::Open::kCreate));
  TRY_STATUS(writer->file_->write_at(0, kMagic));
  writer->offset_ = kMagic.size();
  Writer out(writer->block_);
  out.byte(kHead);
  out.varint(head.index);
  out.varint(head.term);
  out.varint(head.floor);
  out.varint(head.revision);
  ++writer->items_;
  if (head.members.members.empty()) return writer;
  out.byte(kMembers);
  out.bytes(raft::encode(head.members));
  ++writer->items_;
  return writer;
}

Status SnapshotWriter::add_lease(uint64_t lease, uint64_t ttl_ms) {
  Writer out(block_);
  out.byte(kLease);
  out.varint(lease);
  out.varint(ttl_ms);
  return flush_if_full();
}

Status SnapshotWriter::add_session(uint64_t id, const Session& session) {
  Writer out(block_);
  out.byte(kSession);
  out.varint(id);
  out.varint(session.used_index);
  out.varint(session.forgotten);
  out.varint(session.replies.size());
  for (const auto& [sequence, outcome] : session.replies) {
    out.varint(sequence);
    out.byte(outcome.succeeded ? 1 : 0);
    out.varint(outcome.revision);
  }
  return flush_if_full();
}

Status SnapshotWriter::add_entry(const Entry& entry) {
  Writer out(block_);
  out.byte(kEntry);
  encode_entry(out, entry);
  return flush_if_full();
}

Status SnapshotWriter::add_change(const Change& change) {
  Writer out(block_);
  out.byte(kChange);
  out.varint(change.revision);
  out.varint(change.time_ns);
  out.varint(change.events.size());
  for (const Event& event : change.events) {
    out.byte(event.removed() ? 0 : 1);
    if (event.removed())
      out.bytes(event.key());
    else
      encode_entry(out, *event.entry);
  }
  return flush_if_full();
}

Status SnapshotWriter::flush_if_full() {
  ++items_;
  return block_.size() < kBlockBytes ? Status() : flush();
}

Status SnapshotWriter::flush() {
  char header[kBlockHeaderBytes];
  store_fixed(header + 4, static_cast<uint32_t>(block_.size()));
  checksum_ = crc32c(block_, crc32c({header + 4, 4}, checksum_));
  store_fixed(header, checksum_);
  TRY_STATUS(file_->write_at(offset_, {header, sizeof header}));
  TRY_STATUS(file_->write_at(offset_ + sizeof header, block_));
  offset_ += sizeof header + block_.size();
  block_.clear();
  return {};
}

Status SnapshotWriter::finish() {
  Writer out(block_);
  out.byte(kEnd);
  out.varint(items_);
  TRY_STATUS(flush());
  TRY_STATUS(file_->sync());
  TRY_STATUS(files_.rename(folder_ + "/" + name_ + ".tmp", folder_ + "/" + name_));
  finished_ = true;
  return files_.sync_folder(folder_);
}

std::string snapshot_name(uint64_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "snapshot-%020llu", static_cast<unsigned long long>(index));
  return name;
}

Result<std::vector<std::string>> list_snapshots(FileSystem& files, const std::string& folder) {
  std::vector<std::string> snapshots;
  for (auto& name : TRY(files.list(folder)))
    if (name.compare(0, kPrefix.size(), kPrefix) == 0 && !name.ends_with(".tmp")) snapshots.push_back(std::move(name));
  return snapshots;
}

Result<SnapshotHead> load_snapshot(FileSystem& files, const std::string& path, Machine& into) {
  return Loader(TRY(files.open(path, FileSystem::Open::kRead)), path, into).load();
}

}  // namespace novacron::host::state
