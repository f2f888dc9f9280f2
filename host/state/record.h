// What a log segment holds, as bytes: pure functions, so that the fuzzer and the tests reach all of it.
//
// A segment is a file: its header, then records up to where they stop being valid. All numbers are little-endian.
//
//   segment header, 64 bytes             record, 64 bytes and the payload, zeros up to a multiple of 8
//    0  u32 checksum of bytes 4..63       0  u32 checksum of all behind it, payload included
//    4  u32 checksum of the last record   4  u32 length of the payload
//           before this segment           8  u32 checksum of the record before: the chain
//    8      "NCSTLOG1"                   12  u8  type, then 3 zeros
//   16  u64 serial  ┐                    16  u64 serial: one more than the record before
//   24  u64 index   ├ of that record     24  u64 durable: the serial up to which all was synced when this was written
//   32  u64 term    ┘                    32  u64 term      40  u64 index
//   40  u32 salt, then 4 zeros           48  u64 first     56  u64 second: by type, see RecordType
//   48  u64 term, 56 u64 vote: the
//           node's, as of that record
//
// The salt is random, one for a log, and the seed of its records' checksums: so that a value that somebody stores never
// looks like a record.
//
// An entry has the next index, a move has any, and all others repeat the last one. A mark only says by its `durable`
// what had been synced.
//
// Why `durable`: records are written in batches, one write and one sync each. After a crash a batch that was never
// acknowledged may be there in part, in any part, so a damaged record followed by good ones proves nothing by itself.
// But a good record whose `durable` covers the damaged one does: that one had been synced, may have been acknowledged,
// and was damaged later. Then the log must not be cut there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/raft/types.h"

namespace novacron::host::state {

constexpr size_t kSegmentHeaderBytes = 64;
constexpr size_t kRecordHeaderBytes = 64;
constexpr size_t kMaxPayloadBytes = 2 * 1'024 * 1'024;

/// With what `first` and `second` are. "commit": every entry up to there was known to be committed.
enum class RecordType : uint8_t {
  kEntry = 1,       ///< session, sequence: a command of format 1, committed once it is written; read, never written
  kMark = 2,        ///< commit
  kCommand = 3,     ///< commit
  kNoop = 4,        ///< commit
  kMembership = 5,  ///< commit
  kBallot = 6,      ///< the node's term and vote from here on
  kMove = 7,     ///< commit; the log goes on behind (index, term): entries behind it are void, as are all before it if
                 ///< it has no such entry
  kInstall = 8,  ///< index and term of a snapshot from elsewhere; once that is there, a move to it follows
};

bool is_entry(RecordType type);

/// Where a record stands in the log: what the next one continues.
struct Position {
  uint64_t serial = 0;
  uint64_t index = 0;
  uint64_t term = 0;
  uint32_t checksum = 0;
  bool operator==(const Position&) const = default;
};

struct Record {
  RecordType type = RecordType::kEntry;
  Position at;
  uint32_t previous_checksum = 0;
  uint64_t durable = 0;
  uint64_t first = 0;
  uint64_t second = 0;
  std::string_view payload;
};

/// The bytes that a record with such a payload takes.
size_t record_bytes(size_t payload_bytes);

/// Appends the record, whose at.checksum need not be set, and gives that checksum.
uint32_t encode_record(const Record& record, uint32_t salt, std::string& out);
/// The record at the front of `bytes` if it is whole and undamaged; where it belongs is for the caller to check.
std::optional<Record> decode_record(std::string_view bytes, uint32_t salt);

struct SegmentHeader {
  Position before;  ///< of the last record before the segment
  uint32_t salt = 0;
  raft::HardState ballot = {};
};
std::string encode_segment_header(const SegmentHeader& header);
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

struct Scan {
  Position last;         ///< of the last record that belongs, or where the segment starts
  size_t end = 0;        ///< offset behind it
  bool damaged = false;  ///< a record behind it was synced, and is damaged or missing
};

/// Visits the records of a segment, whose header was read already, in order. The visitor's error ends the scan.
Result<Scan> scan_segment(std::string_view segment, const SegmentHeader& header,
                          const std::function<Status(const Record&)>& visit);

}  // namespace novacron::host::state
