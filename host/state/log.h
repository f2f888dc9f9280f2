// The write-ahead log: entries with ascending indexes in segment files, made durable in batches.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/state/file.h"
#include "host/state/record.h"

namespace novacron::host::state {

/// An entry as its owner sees it, or a move: forget what is behind `index`.
struct LogEntry {
  uint64_t term = 0;
  uint64_t index = 0;
  uint64_t session = 0;  ///< of a kEntry alone, as the next
  uint64_t sequence = 0;
  std::string_view payload;
  RecordType type = RecordType::kEntry;
  uint64_t commit = 0;  ///< of all but a kEntry: entries up to here were known to be committed
};

/// One thread at a time. append() then commit(): one write and one sync for all that was appended. Beside the segments
/// lies a spare one of full size, allocated in advance: the reserve that keeps the log writable for one segment more
/// when the disk is full.
class Log final {
 public:
  struct Options {
    uint64_t segment_bytes = 64ull << 20;
    uint32_t salt = 0;  ///< of a new log: random
  };
  using Visitor = std::function<Status(const LogEntry&)>;

  /// Visits every entry behind `after_index`, and every move, in order. A tail that was never synced as a whole is cut.
  /// DATA_LOSS "state.log-damaged" when synced records are damaged or missing: nothing is changed then.
  static Result<std::unique_ptr<Log>> open(FileSystem& files, std::string folder, Options options, uint64_t after_index,
                                           const Visitor& visit);

  uint64_t last_index() const { return appended_.index; }
  uint64_t last_term() const { return appended_.term; }
  size_t appended_bytes() const { return batch_.size(); }
  /// The node's term and vote, as of the last record appended.
  const raft::HardState& ballot() const { return ballot_; }

  /// Its index must be last_index() + 1.
  void append(const LogEntry& entry);
  void append_ballot(const raft::HardState& ballot);
  /// The log goes on behind this entry: one that it has, or one that a snapshot has.
  void append_move(uint64_t index, uint64_t term, uint64_t commit);
  /// A snapshot from elsewhere is to take the place of the log up to `index`. Once that is committed the snapshot may
  /// be put there, and then a move: whatever is cut short in between, open() finds one or the other.
  void append_install(uint64_t index, uint64_t term);
  /// Before anything is appended: the next commit(), of at most `bytes`, will not fail for lack of space.
  /// RESOURCE_EXHAUSTED: there is none, nothing has changed. Any other error: as commit().
  Status make_room(size_t bytes);
  /// RESOURCE_EXHAUSTED: the disk is full, the batch is forgotten and will not come back, the log goes on. Any other
  /// error: the log must not be used any more.
  Status commit();
  /// Writes down what is durable, so that damage to it can be told from a torn tail. Does nothing when that is known.
  Status mark();

  /// Removes segments that hold nothing behind `index`; one becomes the spare.
  Status drop_through(uint64_t index);
  bool has_spare() const { return has_spare_; }
  Status make_spare();

 private:
  struct Segment {
    std::string name;
    Position before;
    raft::HardState ballot;  ///< as of `before`
  };

  Log(FileSystem& files, std::string folder, Options options);
  Status recover(uint64_t after_index, const Visitor& visit);
  Status find_segments(uint64_t after_index);
  Status recover_segment(size_t number, uint64_t after_index, const Visitor& visit);
  Status create_first_segment();
  Status finish_install(uint64_t after_index, const Visitor& visit);
  void note(const Record& record);
  Status write_batch();
  Status rotate();
  Status erase_unsynced();
  void append_record(Record record);
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  FileSystem& files_;
  const std::string folder_;
  const Options options_;
  std::deque<Segment> segments_;  ///< oldest first; the last is written to
  std::unique_ptr<File> file_;    ///< of the last segment
  uint64_t end_ = 0;              ///< offset in it behind what is durable
  uint32_t salt_ = 0;
  Position durable_;   ///< the last record that was synced
  Position appended_;  ///< the last one of the batch, or durable_
  raft::HardState ballot_;
  raft::HardState durable_ballot_;
  std::optional<Position> installing_;  ///< only index and term: an install without its move
  uint64_t marked_ = 0;                 ///< the serial that the last record written says is durable
  std::string batch_;
  bool has_spare_ = false;
  bool spare_is_recycled_ = false;  ///< its blocks were written before, which makes syncs cheaper
};

}  // namespace novacron::host::state
