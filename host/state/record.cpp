#include "host/state/record.h"

#include "host/base/crc32c.h"
#include "host/state/coding.h"

namespace novacron::host::state {
namespace {

constexpr std::string_view kMagic = "NCSTLOG1";
constexpr size_t kAlignment = 8;

uint32_t length_of(std::string_view bytes) {
  return load_fixed<uint32_t>(bytes.data() + 4);
}

/// It is the next record: of the right place, and chained to the one before.
bool continues(const Record& record, const Position& last) {
  const uint64_t index = last.index + (is_entry(record.type) ? 1 : 0);
  const bool is_in_place =
      record.type == RecordType::kMove || (record.at.index == index && record.at.term >= last.term);
  return is_in_place && record.at.serial == last.serial + 1 && record.previous_checksum == last.checksum &&
         record.durable < record.at.serial;
}

/// Does anything behind `offset` prove that the record `serial`, which should be there, had been synced? The header's
/// own numbers are looked at before its checksum is computed, so that this stays quick over old content.
bool was_durable(std::string_view segment, uint32_t salt, size_t offset, uint64_t serial) {
  for (; offset + kRecordHeaderBytes <= segment.size(); offset += kAlignment) {
    const auto durable = load_fixed<uint64_t>(segment.data() + offset + 24);
    if (durable < serial || load_fixed<uint64_t>(segment.data() + offset + 16) <= durable) continue;
    if (decode_record(segment.substr(offset), salt)) return true;
  }
  return false;
}

}  // namespace

bool is_entry(RecordType type) {
  return type == RecordType::kEntry || type == RecordType::kCommand || type == RecordType::kNoop ||
         type == RecordType::kMembership;
}

size_t record_bytes(size_t payload_bytes) {
  return kRecordHeaderBytes + (payload_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

uint32_t encode_record(const Record& record, uint32_t salt, std::string& out) {
  const size_t start = out.size();
  out.resize(start + record_bytes(record.payload.size()));
  char* at = out.data() + start;
  store_fixed(at + 4, static_cast<uint32_t>(record.payload.size()));
  store_fixed(at + 8, record.previous_checksum);
  at[12] = static_cast<char>(record.type);
  store_fixed(at + 16, record.at.serial);
  store_fixed(at + 24, record.durable);
  store_fixed(at + 32, record.at.term);
  store_fixed(at + 40, record.at.index);
  store_fixed(at + 48, record.first);
  store_fixed(at + 56, record.second);
  if (!record.payload.empty()) std::memcpy(at + kRecordHeaderBytes, record.payload.data(), record.payload.size());
  const uint32_t checksum = crc32c({at + 4, kRecordHeaderBytes - 4 + record.payload.size()}, salt);
  store_fixed(at, checksum);
  return checksum;
}

std::optional<Record> decode_record(std::string_view bytes, uint32_t salt) {
  if (bytes.size() < kRecordHeaderBytes) return {};
  const uint32_t length = length_of(bytes);
  if (length > kMaxPayloadBytes || record_bytes(length) > bytes.size()) return {};
  Record record;
  record.at.checksum = load_fixed<uint32_t>(bytes.data());
  if (crc32c(bytes.substr(4, kRecordHeaderBytes - 4 + length), salt) != record.at.checksum) return {};
  record.type = static_cast<RecordType>(bytes[12]);
  if (record.type < RecordType::kEntry || record.type > RecordType::kInstall) return {};
  record.previous_checksum = load_fixed<uint32_t>(bytes.data() + 8);
  record.at.serial = load_fixed<uint64_t>(bytes.data() + 16);
  record.durable = load_fixed<uint64_t>(bytes.data() + 24);
  record.at.term = load_fixed<uint64_t>(bytes.data() + 32);
  record.at.index = load_fixed<uint64_t>(bytes.data() + 40);
  record.first = load_fixed<uint64_t>(bytes.data() + 48);
  record.second = load_fixed<uint64_t>(bytes.data() + 56);
  record.payload = bytes.substr(kRecordHeaderBytes, length);
  return record;
}

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  store_fixed(bytes.data() + 4, header.before.checksum);
  std::memcpy(bytes.data() + 8, kMagic.data(), kMagic.size());
  store_fixed(bytes.data() + 16, header.before.serial);
  store_fixed(bytes.data() + 24, header.before.index);
  store_fixed(bytes.data() + 32, header.before.term);
  store_fixed(bytes.data() + 40, header.salt);
  store_fixed(bytes.data() + 48, header.ballot.term);
  store_fixed(bytes.data() + 56, header.ballot.vote);
  store_fixed(bytes.data(), crc32c(std::string_view(bytes).substr(4)));
  return bytes;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || bytes.substr(8, kMagic.size()) != kMagic) return {};
  if (crc32c(bytes.substr(4, kSegmentHeaderBytes - 4)) != load_fixed<uint32_t>(bytes.data())) return {};
  return SegmentHeader{.before = {.serial = load_fixed<uint64_t>(bytes.data() + 16),
                                  .index = load_fixed<uint64_t>(bytes.data() + 24),
                                  .term = load_fixed<uint64_t>(bytes.data() + 32),
                                  .checksum = load_fixed<uint32_t>(bytes.data() + 4)},
                       .salt = load_fixed<uint32_t>(bytes.data() + 40),
                       .ballot = {load_fixed<uint64_t>(bytes.data() + 48), load_fixed<uint64_t>(bytes.data() + 56)}};
}

Result<Scan> scan_segment(std::string_view segment, const SegmentHeader& header,
                          const std::function<Status(const Record&)>& visit) {
  Scan scan{.last = header.before, .end = kSegmentHeaderBytes};
  while (scan.end < segment.size()) {
    const auto record = decode_record(segment.substr(scan.end), header.salt);
    if (!record || !continues(*record, scan.last)) break;
    if (visit) TRY_STATUS(visit(*record));
    scan.last = record->at;
    scan.end += record_bytes(record->payload.size());
  }
  scan.damaged = was_durable(segment, header.salt, scan.end, scan.last.serial + 1);
  return scan;
}

}  // namespace novacron::host::state
